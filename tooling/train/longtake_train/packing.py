"""Many questions about one video in one sequence: each sees the video and itself, never its neighbours."""
from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Optional

import torch
from torch import Tensor

from .questions import WEIGHTS, Question, ask_questions, describe, neighbours, recall
from .vocabulary import BOS, EOS, IDS, PAD, encode
from .world import Video, moment_of

TOKENS_PER_FRAME = 5
MOST_WORDS = 7
NO_WORDS = [PAD] * (MOST_WORDS - 1)
IGNORED = -100
EXERCISES = ("recall", "neighbours")
# Kinds that are learned late are asked more often in training than in tests.
LESSON_KINDS = {**WEIGHTS, "colour": 14, "shape": 14, "after": 10, "before": 10, "order": 10, "count": 7, "number": 6, "caption": 5}


@dataclass
class Packed:
    """ids [B, T, W] (a token is the sum of its words), targets and positions [B, T], allowed [B, T, T].

    The visual tokens stand at [start, start + count).
    """
    ids: Tensor
    targets: Tensor
    positions: Tensor
    allowed: Tensor
    start: int
    count: int
    kinds: list[list[str]]
    answers: list[list[tuple[int, int]]]
    # Rows (sequence, position before the answer) and the visual tokens [count] that the answer rests on.
    evidence_rows: Tensor
    evidence: Tensor


def ideal_words(video: Video, index: int, position: float) -> list[list[int]]:
    """The words a perfect encoder would put into the five tokens of a frame.

    The class token sums up the frame, as it does in CLIP. So does each patch token, as features of a deep layer do, and
    says once more what lies nearest to it: then whatever pooling picks still speaks of the whole frame.
    """
    shot = video.shots[index]
    seen = (shot.colour, shot.shape, shot.caption, shot.number)
    whole = (moment_of(position), video.trend, *seen)
    words = [whole, *((*whole, word) for word in seen)]
    return [[IDS[w] for w in token] + [PAD] * (MOST_WORDS - len(token)) for token in words]


def caption_tokens(video: Video, frames: int) -> list[list[int]]:
    """The video told in words, at the midpoints of `frames` equal spans."""
    tokens: list[list[int]] = []
    for f in range(frames):
        position = (f + 0.5) / frames
        tokens += ideal_words(video, int(position * len(video.shots)), position)
    return tokens


def pack(videos: list[Video], questions: list[list[Question]], frames: int, preamble: list[list[int]]) -> Packed:
    heads = [[BOS] + p + encode("user :") for p in preamble]
    start, count = len(heads[0]), frames * TOKENS_PER_FRAME
    rows = [[] for _ in videos]
    for row, (head, video) in enumerate(zip(heads, videos)):
        prefix = [[i] + NO_WORDS for i in head] + caption_tokens(video, frames)
        rows[row] = [(*words, IGNORED, p, 0) for p, words in enumerate(prefix)]
    answers: list[list[tuple[int, int]]] = []
    for row, asked in enumerate(questions):
        spans = []
        for segment, q in enumerate(asked, 1):
            prompt, answer = encode(f"{q.text} assistant :"), encode(q.answer) + [EOS]
            ids = prompt + answer[:-1]
            targets = [IGNORED] * (len(prompt) - 1) + (follows(answer) if q.kind in EXERCISES else answer)
            begin = len(rows[row])
            rows[row] += [(i, *NO_WORDS, t, start + count + p, segment) for p, (i, t) in enumerate(zip(ids, targets))]
            spans.append((begin + len(prompt) - 1, begin + len(ids)))
        answers.append(spans)
    evidence_rows, evidence = _evidence(videos, questions, answers, frames)
    longest = max(map(len, rows))
    table = torch.tensor([r + [(PAD, *NO_WORDS, IGNORED, 0, -1)] * (longest - len(r)) for r in rows])
    ids, (targets, positions, segments) = table[..., :MOST_WORDS], table[..., MOST_WORDS:].unbind(-1)
    causal = torch.ones(longest, longest, dtype=torch.bool).tril()
    same = segments[:, :, None] == segments[:, None, :]
    allowed = causal & (same | (segments[:, None, :] == 0))
    kinds = [[q.kind for q in asked] for asked in questions]
    return Packed(ids, targets, positions, allowed, start, count, kinds, answers, evidence_rows, evidence)


def follows(recalled: list[int]) -> list[int]:
    """Of four words a shot only the last two can be known; nor can the end."""
    return [word if i % 4 >= 2 else IGNORED for i, word in enumerate(recalled[:-1])] + [IGNORED]


def _evidence(videos: list[Video], questions: list[list[Question]], answers, frames: int) -> tuple[Tensor, Tensor]:
    rows, masks = [], []
    for row, (video, asked) in enumerate(zip(videos, questions)):
        shown = [int((f + 0.5) / frames * len(video.shots)) for f in range(frames)]
        for q, (begin, _) in zip(asked, answers[row]):
            mask = [shot in q.shots for shot in shown]
            if any(mask):
                rows.append((row, begin))
                masks.append([m for m in mask for _ in range(TOKENS_PER_FRAME)])
    if not rows:
        return torch.zeros(0, 2, dtype=torch.long), torch.zeros(0, frames * TOKENS_PER_FRAME, dtype=torch.bool)
    return torch.tensor(rows), torch.tensor(masks)


def draw_questions(videos: list[Video], rng: random.Random, count: int, held_out: bool = False) -> list[list[Question]]:
    return [ask_questions(v, rng, count, held_out) for v in videos]


def draw_lessons(videos: list[Video], rng: random.Random, count: int) -> list[list[Question]]:
    """What a video is taught with: questions and one of the plain exercises; look-ups alone at a count of 0."""
    lessons = []
    for video in videos:
        exercise = _draw_exercise(video, rng) if count else recall(video, rng)
        asked = ask_questions(video, rng, count, weights=LESSON_KINDS) if count else []
        lessons.append(asked + ([exercise] if exercise else []))
    return lessons


def _draw_exercise(video: Video, rng: random.Random) -> Optional[Question]:
    choice = rng.random()
    if choice < 0.2:
        return describe(video, rng)
    return recall(video, rng) if choice < 0.5 else neighbours(video, rng, rng.choice((1, -1)))
