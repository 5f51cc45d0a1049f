"""What the frozen encoder and guide make of rendered videos and pictures, kept for training the decoder.

Dimensions: F frames, P patches, D decoder width, A width of the common space.
"""
from __future__ import annotations

import pickle
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .clips import FRAMES, normalise
from .guide import Guide
from .model import VideoLlava
from .pooling import pool, window_weights
from .questions import Question
from .vocabulary import encode
from .world import Video


@dataclass
class Seen:
    """tokens [videos, F, 1 + P, D] and patches [videos, F, P, A], in time order, float16."""
    tokens: Tensor
    patches: Tensor
    videos: list[Video]


@torch.no_grad()
def look(model: VideoLlava, guide: Guide, pixels: Tensor, videos: list[Video]) -> Seen:
    """pixels [videos, F, S, S, 3] in time order; each clip is a strided subset of its video's frames."""
    tokens, patches = [], []
    for video in pixels:
        clips = len(video) // FRAMES
        order = torch.arange(len(video)).view(FRAMES, clips).t().reshape(-1)
        features = model.video_tower(normalise(video[order]))[order.argsort()]
        tokens.append(model.multi_modal_projector(features).half())
        patches.append(guide.patches(features).half())
    return Seen(torch.stack(tokens), torch.stack(patches), videos)


def look_at_shards(model: VideoLlava, guide: Guide, folder: Path) -> list[Seen]:
    shards = []
    for path in sorted(folder.glob("???-???.npz")):
        data = np.load(path)
        shards.append(look(model, guide, torch.from_numpy(data["pixels"]), pickle.loads(data["videos"].tobytes())))
    return shards


def fewer_frames(seen: Seen, index: int, frames: int) -> tuple[Tensor, Tensor]:
    """A video's tokens and patches at fewer frames: the middle one of every so many, which are whole clips too."""
    step = seen.tokens.shape[1] // frames
    chosen = slice(step // 2, None, step)
    return seen.tokens[index, chosen].float(), seen.patches[index, chosen].float()


def pool_for(guide: Guide, questions: list[Question], tokens: list[Tensor], patches: list[Tensor], kernel: int,
             guided: list[bool]) -> tuple[Tensor, Tensor]:
    """Pooled tokens [B, T, D] and the windows' weights [B, T, k·P] of videos of one length, each for its question."""
    with torch.no_grad():
        text = guide.text([encode(q.text) for q in questions])
        scale = guide.logit_scale.clamp(max=4.6052).exp()
        logits = scale * torch.einsum("ba,bfpa->bfp", text, torch.stack(patches))
        weights = window_weights(logits, kernel, torch.tensor(guided))
        return pool(torch.stack(tokens)[:, :, 1:], weights), weights


def as_stills(pixels: Tensor, videos: list[Video], rng: random.Random) -> tuple[Tensor, list[Video]]:
    """One frame of each clip of eight, eight times over, and the shot it shows."""
    stills, shown = [], []
    for clip, video in zip(pixels, videos):
        slot = rng.randrange(FRAMES)
        stills.append(clip[slot].expand_as(clip))
        shown.append(Video((video.shots[int((slot + 0.5) / FRAMES * len(video.shots))],), "steady"))
    return torch.stack(stills), shown
