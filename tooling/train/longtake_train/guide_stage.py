"""What the guide learns from: texts, and the patches among many frames that each of them speaks of."""
from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from torch import Tensor

from .clips import FRAMES
from .pooled_stage import PATCHES, named_things
from .questions import DESCRIBE, Question, ask_questions
from .vocabulary import SPECIAL, VOCABULARY, encode
from .world import CAPTIONS, COLOURS, NUMBERS, SHAPES, Shot, Video

# The thing fills the upper half, the caption stands below on the left, the number on the right.
PLACES = {**{w: (0, 1) for w in COLOURS + SHAPES}, **{w: (2,) for w in CAPTIONS}, **{w: (3,) for w in NUMBERS}}
LONGEST = 74
FILLER = [i for i, w in enumerate(VOCABULARY) if i >= len(SPECIAL) and w not in PLACES]


@dataclass
class Lesson:
    """Texts, and for each the share of its meaning that every patch holds: [B, F, P], adding up to 1 per text."""
    texts: list[list[int]]
    targets: Tensor


def frames_of(videos: list[Video]) -> list[tuple[Shot, int]]:
    """The shot and the slot of every frame of clips of eight."""
    return [(v.shots[int((s + 0.5) / FRAMES * len(v.shots))], s) for v in videos for s in range(FRAMES)]


def draw_lesson(rng: random.Random, videos: list[Video], texts: int) -> Lesson:
    frames = frames_of(videos)
    drawn = [_draw_text(rng, rng.choice(videos), rng.choice(frames)[0]) for _ in range(texts)]
    targets = torch.stack([_target(text, kind, frames) for text, kind in drawn])
    return Lesson([_with_filler(rng, encode(text)) for text, _ in drawn], targets)


def _draw_text(rng: random.Random, video: Video, shot: Shot) -> tuple[str, str]:
    choice = rng.random()
    if choice < 0.65:
        question: Question = ask_questions(video, rng, 1)[0]
        return question.text, question.kind
    if choice < 0.9:
        words = [shot.colour, shot.shape, shot.number, shot.caption]
        pair = rng.choice(((0, 1), (0, 1), (1, 2), (0, 2), (0, 3), (1, 3)))
        return " ".join(words[i] for i in pair), "words"
    return rng.choice(DESCRIBE), "describe"


def _target(text: str, kind: str, frames: list[tuple[Shot, int]]) -> Tensor:
    """Patches of frames that show a thing of the text, those with the named part more; everything alike without one."""
    things = named_things(text)
    held = torch.zeros(len(frames), PATCHES)
    for index, (shot, slot) in enumerate(frames):
        seen = {shot.colour, shot.shape, shot.number, shot.caption}
        named = [thing for thing in things if thing <= seen]
        if named:
            places = {place for thing in named for word in thing for place in PLACES[word]}
            held[index] = torch.tensor([3.0 if place in places else 1.0 for place in range(PATCHES)])
        if kind == "first" and slot == 0 or kind == "last" and slot == FRAMES - 1:
            held[index] = 1.0
    if not held.any():
        held += 1.0
    return held / held.sum()


def _with_filler(rng: random.Random, ids: list[int]) -> list[int]:
    """Other words before and after, so that every place in a text is learned and asking at length does no harm."""
    if rng.random() < 0.5:
        return ids
    room = rng.randint(0, LONGEST - len(ids))
    before = rng.randint(0, room)
    words = [rng.choice(FILLER) for _ in range(room)]
    return words[:before] + ids + words[before:]
