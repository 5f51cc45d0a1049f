"""Batches of really seen videos and pictures: pooled, unpooled, single images and several, for tuning the decoder."""
from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from torch import Tensor

from .clips import FRAMES
from .guide import Guide
from .packing import LESSON_KINDS
from .pooled_stage import APART_KINDS, shown_shots, window_evidence
from .questions import Question, ask_questions, describe, neighbours
from .seen import Seen, fewer_frames, pool_for
from .world import Video

# Nothing changes slowly in pictures that have nothing to do with each other.
IMAGE_KINDS = {k: w for k, w in LESSON_KINDS.items() if k not in ("brightness", "drift", "size", "when")}
SINGLE_KINDS = {k: IMAGE_KINDS[k] for k in ("number", "caption", "colour", "shape", "exists", "count")}
MOST_IMAGES = 6
# Slow change is what unpooled videos are good for.
WHOLE_KINDS = {**APART_KINDS, "after": 16, "before": 16, "brightness": 6, "drift": 8, "size": 6}


@dataclass
class Part:
    """Rows of one sort: questions, the visual tokens of each, and the share of each token that is evidence."""
    questions: list[Question]
    visual: list[Tensor]
    evidence: list[Tensor]


def join(parts: list[Part]) -> Part:
    return Part(*([x for part in parts for x in getattr(part, name)] for name in ("questions", "visual", "evidence")))


def padded(evidence: list[Tensor]) -> Tensor:
    return torch.nn.utils.rnn.pad_sequence(evidence, batch_first=True)


def ask_one(video: Video, rng: random.Random, kinds: dict[str, int], told: float) -> Question:
    """Mostly a question; a description for the share `told`, where the video is short enough to be told."""
    if rng.random() < told and len(video.shots) <= FRAMES:
        return describe(video, rng)
    return ask_questions(video, rng, 1, weights=kinds)[0]


def ask_about_video(video: Video, rng: random.Random, windows: int, told: float) -> Question:
    """Where every shot has a window of its own, more of what takes longest to learn: what comes next."""
    apart = len(video.shots) <= windows
    made = neighbours(video, rng, rng.choice((1, -1))) if apart and rng.random() < 0.1 else None
    return made or ask_one(video, rng, APART_KINDS if apart else LESSON_KINDS, told if apart else 0.0)


def draw_videos(guide: Guide, seen: Seen, rng: random.Random, size: int, shape: tuple[int, int], told: float,
                guided: float = 0.75) -> Part:
    """Videos at `shape` frames and kernel."""
    frames, kernel = shape
    chosen = [rng.randrange(len(seen.videos)) for _ in range(size)]
    videos = [seen.videos[i] for i in chosen]
    questions = [ask_about_video(v, rng, frames // kernel, told) for v in videos]
    tokens, patches = zip(*(fewer_frames(seen, i, frames) for i in chosen))
    visual, weights = pool_for(guide, questions, tokens, patches, kernel, [rng.random() < guided for _ in videos])
    return Part(questions, list(visual), list(window_evidence(videos, questions, weights, frames)))


def draw_whole(seen: Seen, rng: random.Random, size: int, frames: int, told: float) -> Part:
    """Videos at `frames` frames without pooling, class tokens and all."""
    chosen = [rng.randrange(len(seen.videos)) for _ in range(size)]
    videos = [seen.videos[i] for i in chosen]
    questions = [ask_one(v, rng, WHOLE_KINDS, told if len(v.shots) <= frames else 0.0) for v in videos]
    visual = [fewer_frames(seen, i, frames)[0].flatten(0, 1) for i in chosen]
    rests = [[shot in q.shots for shot in shown_shots(v, frames)] for v, q in zip(videos, questions)]
    evidence = [torch.tensor(r).float().repeat_interleave(seen.tokens.shape[2]) for r in rests]
    return Part(questions, visual, evidence)


def draw_images(guide: Guide, stills: Seen, rng: random.Random, size: int, images: int, told: float) -> Part:
    """`images` pictures a row, each a clip of its own that is pooled to one token; their order is that of a video's shots."""
    chosen = [[rng.randrange(len(stills.videos)) for _ in range(images)] for _ in range(size)]
    shown = [Video(tuple(stills.videos[i].shots[0] for i in row), "steady") for row in chosen]
    kinds = SINGLE_KINDS if images == 1 else IMAGE_KINDS
    questions = [ask_one(v, rng, kinds, told) for v in shown]
    tokens = [stills.tokens[row].flatten(0, 1).float() for row in chosen]
    patches = [stills.patches[row].flatten(0, 1).float() for row in chosen]
    visual, weights = pool_for(guide, questions, tokens, patches, FRAMES, [True] * size)
    return Part(questions, list(visual), list(window_evidence(shown, questions, weights, images * FRAMES)))
