"""Clips of eight frames for the encoder: drawn, really encoded and decoded, brought to the model's size."""
from __future__ import annotations

import random

import numpy as np
import torch
from torch.nn import functional as F

from .codec import through_encoding
from .drawing import draw_frame, shot_at, stage
from .world import CAPTIONS, COLOURS, MOMENTS, NUMBERS, SHAPES, TRENDS, Video, draw_video, moment_of

FRAMES = 8
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
# What each token of a frame is to tell: the class token everything, the four patches their part.
HEADS = (("moment", MOMENTS, 0), ("trend", TRENDS, 0), ("colour", COLOURS, 1), ("shape", SHAPES, 2),
         ("caption", CAPTIONS, 3), ("number", NUMBERS, 4),
         ("colour", COLOURS, 0), ("shape", SHAPES, 0), ("caption", CAPTIONS, 0), ("number", NUMBERS, 0))
LABELS = ("moment", "trend", "colour", "shape", "caption", "number")


def draw_length(rng: random.Random) -> int:
    """Mostly a shot a frame; sometimes fewer shots than frames, sometimes many more."""
    choice = rng.random()
    return FRAMES if choice < 0.5 else rng.randint(2, 7) if choice < 0.7 else rng.randint(9, 48)


def labels_of(video: Video, shown: list[int]) -> np.ndarray:
    rows = []
    for slot, index in enumerate(shown):
        shot = video.shots[index]
        rows.append((MOMENTS.index(moment_of((slot + 0.5) / FRAMES)), TRENDS.index(video.trend),
                     COLOURS.index(shot.colour), SHAPES.index(shot.shape), CAPTIONS.index(shot.caption),
                     NUMBERS.index(shot.number)))
    return np.asarray(rows, np.int64)


def resize(frames: np.ndarray, size: int) -> np.ndarray:
    """[F, H, H, 3] uint8 to [F, size, size, 3], bicubic with antialias, as the checkpoint's preprocessor does."""
    x = torch.from_numpy(frames.copy()).permute(0, 3, 1, 2).float()
    x = F.interpolate(x, (size, size), mode="bicubic", antialias=True, align_corners=False)
    return x.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()


def render_clips(seed: str, count: int, side: int = 144, size: int = 48) -> tuple[np.ndarray, np.ndarray, list[Video]]:
    """Pixels [count, 8, size, size, 3] uint8, labels [count, 8, heads], and the videos they came from."""
    rng = random.Random(seed)
    pictures, labels, videos = [], [], []
    for _ in range(count):
        video = draw_video(rng, draw_length(rng))
        staging = stage(video, rng)
        positions = [(slot + 0.5) / FRAMES for slot in range(FRAMES)]
        labels.append(labels_of(video, [shot_at(staging, p) for p in positions]))
        pictures += [draw_frame(staging, p, side) for p in positions]
        videos.append(video)
    decoded = through_encoding(np.stack(pictures), rng.randint(17, 28))
    return resize(decoded, size).reshape(count, FRAMES, size, size, 3), np.stack(labels), videos


def normalise(pixels: torch.Tensor) -> torch.Tensor:
    """[…, S, S, 3] uint8 to […, 3, S, S] as CLIP wants it."""
    x = (pixels.float() / 255 - torch.tensor(MEAN)) / torch.tensor(STD)
    return x.movedim(-1, -3).contiguous()


def render_frames(seed: str, videos: list[Video], frames: int, side: int = 144, size: int = 48) -> np.ndarray:
    """Each video at the midpoints of `frames` equal spans: [videos, frames, size, size, 3] uint8."""
    pictures = []
    for index, video in enumerate(videos):
        staging = stage(video, random.Random(f"{seed}-{index}"))
        pictures += [draw_frame(staging, (f + 0.5) / frames, side) for f in range(frames)]
    return resize(through_encoding(np.stack(pictures), 22), size).reshape(len(videos), frames, size, size, 3)
