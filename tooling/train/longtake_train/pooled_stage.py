"""Guided pooling told in words: windows of frames in the decoder's own embeddings, weighed by a make-believe guide."""
from __future__ import annotations

import random
import re
from dataclasses import dataclass

import torch
from torch import Tensor

from .packing import LESSON_KINDS, caption_tokens, ideal_words
from .pooling import pool, window_weights
from .questions import Question, ask_questions, neighbours, recall
from .rows import Rows, exact_rows, make_rows, run_rows
from .text_stage import sum_of_words
from .world import CAPTIONS, COLOURS, NUMBERS, SHAPES, Shot, Video, draw_video

PATCHES = 4
CONTENT = set(COLOURS) | set(SHAPES) | set(NUMBERS) | set(CAPTIONS)


def shown_shots(video: Video, frames: int) -> list[int]:
    """The shot on screen at the midpoint of each of `frames` equal spans."""
    return [int((f + 0.5) / frames * len(video.shots)) for f in range(frames)]


def ideal_patches(model, videos: list[Video], frames: int) -> Tensor:
    """[B, F, P, D]: what a perfect encoder says in each patch."""
    words = [[ideal_words(v, shot, (f + 0.5) / frames)[1:] for f, shot in enumerate(shown_shots(v, frames))] for v in videos]
    return sum_of_words(model, torch.tensor(words))


def ideal_tokens(model, videos: list[Video], frames: int) -> Tensor:
    """[B, F·(1 + P), D]: the same without pooling, class tokens first in each frame."""
    return sum_of_words(model, torch.tensor([caption_tokens(v, frames) for v in videos]))


def named_things(text: str) -> list[set[str]]:
    """What a question names: two words of content each, such as red and circle, or ring and 7."""
    words = [w for w in re.findall(r"\w+", text.lower()) if w in CONTENT]
    return [set(words[i:i + 2]) for i in range(0, len(words), 2)]


def likeness(things: list[set[str]], shot: Shot) -> int:
    """0, 1 or 2 words of the best-matching thing."""
    seen = {shot.colour, shot.shape, shot.number, shot.caption}
    return max((len(thing & seen) for thing in things), default=0)


def draw_guide(rng: random.Random, videos: list[Video], questions: list[Question], frames: int) -> Tensor:
    """Logits [B, F, P] as a good but not perfect guide would give them."""
    rows = []
    for video, question in zip(videos, questions):
        things, margin = named_things(question.text), rng.uniform(3, 9)
        row = [margin * likeness(things, video.shots[shot]) for shot in shown_shots(video, frames)]
        if question.kind in ("first", "last"):
            eighth = max(frames // 8, 1)
            favoured = range(eighth) if question.kind == "first" else range(frames - eighth, frames)
            row = [margin * (f in favoured) for f in range(frames)]
        rows.append(row)
    logits = torch.tensor(rows, dtype=torch.float32)[..., None]
    wobble = torch.randn(*logits.shape[:2], 1) * rng.uniform(0, 1)
    return logits + wobble + torch.randn(*logits.shape[:2], PATCHES) * rng.uniform(0, 1)


def window_evidence(videos: list[Video], questions: list[Question], weights: Tensor, frames: int) -> Tensor:
    """[B, T]: the part of each window that shows what the answer rests on."""
    b, t, members = weights.shape
    per_frame = weights.view(b, frames, PATCHES).sum(-1)
    rests = torch.tensor([[shot in q.shots for shot in shown_shots(v, frames)] for v, q in zip(videos, questions)])
    return (per_frame * rests).view(b, t, -1).sum(-1)


@dataclass
class PooledBatch:
    rows: Rows
    visual: Tensor
    evidence: Tensor


def draw_shape(rng: random.Random, most_windows: int) -> tuple[int, int]:
    """Windows and frames in each."""
    kernel = rng.choice((1, 1, 1, 1, 2, 2, 3, 4, 4, 8, 16))
    return (rng.choice((8, 16, 24, 32, 48, 64)) if kernel == 1 else rng.randint(2, most_windows)), kernel


# Where windows keep shots apart, what comes next can be learned; it is what takes longest.
APART_KINDS = {**LESSON_KINDS, "after": 30, "before": 30}


def draw_question(video: Video, rng: random.Random, apart: bool) -> Question:
    """Mostly questions, sometimes an exercise; `apart` says that no window mixes shots."""
    choice = rng.random()
    made = recall(video, rng) if choice < 0.03 else None
    if choice > (0.7 if apart else 0.97):
        made = neighbours(video, rng, rng.choice((1, -1)))
    return made or ask_questions(video, rng, 1, weights=APART_KINDS if apart else LESSON_KINDS)[0]


def draw_pooled(model, rng: random.Random, size: int, most_windows: int, noise: float) -> PooledBatch:
    windows, kernel = draw_shape(rng, most_windows)
    frames = windows * kernel
    shots = min(frames, max(1, round(frames / rng.choice((1, 1, 1, 2, 4))))) if kernel > 1 else frames
    videos = [draw_video(rng, min(rng.randint(max(1, shots // 2), shots), 96)) for _ in range(size)]
    questions = [draw_question(v, rng, shots <= windows) for v in videos]
    guided = torch.tensor([rng.random() < 0.75 for _ in videos])
    weights = window_weights(draw_guide(rng, videos, questions, frames), kernel, guided)
    visual = pool(ideal_patches(model, videos, frames), weights)
    visual = visual + torch.randn_like(visual) * noise * rng.random()
    return PooledBatch(make_rows(questions), visual, window_evidence(videos, questions, weights, frames))


class HeldPooled:
    """Held-out videos told in words, pooled one way."""

    def __init__(self, shots: int, frames: int, kernel: int, guided: bool, videos: int = 40, questions: int = 8):
        rng = random.Random(f"pooled-held-out-{shots}")
        self.name = f"{shots} shots {frames}/{kernel} {'guided' if guided else 'average'}"
        drawn = [draw_video(rng, shots) for _ in range(videos)]
        pairs = [(v, q) for v in drawn for q in ask_questions(v, rng, questions)]
        self.videos, self.questions = [v for v, _ in pairs], [q for _, q in pairs]
        self.frames, self.kernel, self.guided, self.rng = frames, kernel, guided, rng

    @torch.no_grad()
    def score(self, model) -> dict[str, float]:
        torch.manual_seed(1)
        logits = draw_guide(random.Random(1), self.videos, self.questions, self.frames)
        weights = window_weights(logits, self.kernel, torch.full((len(self.videos),), self.guided))
        visual = pool(ideal_patches(model, self.videos, self.frames), weights)
        rows = make_rows(self.questions)
        scores = exact_rows(model, run_rows(model, rows, visual)[0], rows)
        every = [r for s in scores.values() for r in s]
        return {"all": round(sum(every) / len(every), 3), **{k: round(sum(v) / len(v), 2) for k, v in sorted(scores.items())}}
