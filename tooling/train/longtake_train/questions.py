"""Questions about a video of the world, with the one right answer of each."""
from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import Callable, Optional

from .world import COLOURS, SHAPES, Shot, Video, moment_of


@dataclass(frozen=True)
class Question:
    kind: str
    text: str
    answer: str
    # Shots that the answer rests on; none where it rests on the whole video.
    shots: tuple[int, ...] = ()


# Phrasings by kind: those that training uses, then those held out from it.
PHRASINGS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "number": (
        ("What number is on the {thing}?", "Which number does the {thing} have?",
         "What number is shown with the {thing}?", "Tell me the number of the {thing}.",
         "The {thing} has which number?"),
        ("Which number is shown on the {thing}?", "Tell me the number on the {thing}."),
    ),
    "caption": (
        ("What caption is on the {thing}?", "Which caption does the {thing} have?",
         "What caption is shown with the {thing}?", "Tell me the caption of the {thing}.",
         "The {thing} has which caption?"),
        ("Which caption is shown on the {thing}?", "Tell me the caption on the {thing}."),
    ),
    "colour": (
        ("What colour is the {shape} with number {number}?", "Which colour has the {shape} with number {number}?",
         "What is the colour of the {shape} with number {number}?",
         "Tell me the colour of the {shape} with number {number}."),
        ("The {shape} with number {number} has which colour?",),
    ),
    "shape": (
        ("What shape is {colour} with number {number}?", "Which {colour} shape has number {number}?",
         "What is the {colour} shape with number {number}?",
         "Tell me the {colour} shape with number {number}."),
        ("Which shape is {colour} with number {number}?",),
    ),
    "first": (
        ("What {part} is shown first?", "Which {part} comes first?", "What is the first {part}?",
         "Tell me the first {part}.", "Which {part} is at the start of the video?"),
        ("Which is the first {part}?", "Tell me which {part} comes first."),
    ),
    "last": (
        ("What {part} is shown last?", "Which {part} comes last?", "What is the last {part}?",
         "Tell me the last {part}.", "Which {part} is at the end of the video?"),
        ("Which is the last {part}?", "Tell me which {part} comes last."),
    ),
    "after": (
        ("What comes right after the {thing}?", "What is shown right after the {thing}?",
         "Tell me what follows the {thing}.", "What follows the {thing}?"),
        ("Which shape follows the {thing}?", "Tell me what comes right after the {thing}."),
    ),
    "before": (
        ("What comes right before the {thing}?", "What is shown right before the {thing}?",
         "Tell me what is right before the {thing}.", "What is right before the {thing}?"),
        ("Which shape comes right before the {thing}?", "Tell me what comes right before the {thing}."),
    ),
    "order": (
        ("Which comes first, the {thing} or the {other}?", "What is shown first, the {thing} or the {other}?",
         "Tell me which is first, the {thing} or the {other}."),
        ("Tell me which comes first, the {thing} or the {other}.",),
    ),
    "exists": (
        ("Is there a {thing}?", "Is a {thing} shown?", "Does the video have a {thing}?",
         "Is there a {thing} in the video?"),
        ("Does a {thing} come in the video?", "Is a {thing} in the video?"),
    ),
    "count": (
        ("How many {thing} shots are there?", "How many times is the {thing} shown?",
         "Tell me how many times the {thing} is shown."),
        ("How many times does the {thing} come?",),
    ),
    "when": (
        ("When is the {thing} shown?", "When does the {thing} come?", "Tell me when the {thing} is shown.",
         "In which part of the video is the {thing}?"),
        ("When is the {thing} in the video?", "In which part of the video does the {thing} come?"),
    ),
    "brightness": (
        ("Does the video get brighter or darker?", "Is the video getting brighter or darker?",
         "Tell me if the video gets brighter or darker."),
        ("Does the video get darker or brighter?",),
    ),
    "drift": (
        ("Does the dot drift left or right?", "Which way does the dot drift?",
         "Tell me which way the dot drifts."),
        ("Is the dot getting left or right?",),
    ),
    "size": (
        ("Does the bar get longer or shorter?", "Is the bar getting longer or shorter?",
         "Tell me if the bar gets longer or shorter."),
        ("Does the bar get shorter or longer?",),
    ),
}

# Further ways to ask in training, of words that the others brought in, for kinds that hang on their wording most.
FURTHER: dict[str, tuple[str, ...]] = {
    "colour": ("With number {number}, which colour is the {shape}?", "The colour of the {shape} with number {number}?",
               "Number {number} is on the {shape}. What is the colour?", "Which colour is on the {shape} with number {number}?"),
    "shape": ("With number {number}, which {colour} shape is shown?", "The {colour} shape with number {number}?",
              "Number {number} is {colour}. What is the shape?", "What {colour} shape is shown with number {number}?"),
    "brightness": ("Which does the video get, brighter or darker?",),
    "drift": ("Tell me if the dot drifts left or right.", "Does the dot get right or left?", "Which way does the dot get, left or right?"),
    "size": ("Which does the bar get, longer or shorter?",),
}

DESCRIBE = ("Describe the video.", "Tell me what is shown.", "What is shown in the video?")

# Slow change is one family of questions in three guises, so each weighs a third.
WEIGHTS = {
    "number": 10, "caption": 8, "colour": 8, "shape": 8, "first": 7, "last": 7, "after": 6, "before": 6,
    "order": 5, "exists": 5, "count": 4, "when": 6, "brightness": 3, "drift": 3, "size": 3,
}
SLOW = {"brightness": ("brighter", "darker"), "drift": ("left", "right"), "size": ("longer", "shorter")}
LARGEST_COUNT = 3
MOST_RECALLED = 8


def _name(thing: tuple[str, str]) -> str:
    return " ".join(thing)


class _Asker:
    """Finds the questions that a video has one right answer to."""

    def __init__(self, video: Video, rng: random.Random):
        self.video, self.rng = video, rng
        self.times = Counter(shot.thing for shot in video.shots)
        self.single = [i for i, shot in enumerate(video.shots) if self.times[shot.thing] == 1]
        self.makers: dict[str, Callable[[], Optional[tuple[dict[str, str], str, tuple[int, ...]]]]] = {
            "number": lambda: self._of_single(lambda shot: shot.number),
            "caption": lambda: self._of_single(lambda shot: shot.caption),
            "colour": lambda: self._by_number("shape", lambda shot: shot.colour),
            "shape": lambda: self._by_number("colour", lambda shot: shot.shape),
            "first": lambda: self._part_of(0),
            "last": lambda: self._part_of(len(video.shots) - 1),
            "after": lambda: self._neighbour(1),
            "before": lambda: self._neighbour(-1),
            "order": self._order,
            "exists": self._exists,
            "count": self._count,
            "when": self._when,
            "brightness": lambda: self._slow("brightness"),
            "drift": lambda: self._slow("drift"),
            "size": lambda: self._slow("size"),
        }

    def ask(self, kind: str, held_out: bool) -> Optional[Question]:
        made = self.makers[kind]()
        if made is None:
            return None
        slots, answer, shots = made
        phrasings = PHRASINGS[kind][1] if held_out else PHRASINGS[kind][0] + FURTHER.get(kind, ())
        return Question(kind, self.rng.choice(phrasings).format(**slots), answer, shots)

    def _of_single(self, answer: Callable[[Shot], str]):
        if not self.single:
            return None
        index = self.rng.choice(self.single)
        shot = self.video.shots[index]
        return {"thing": _name(shot.thing)}, answer(shot), (index,)

    def _by_number(self, given: str, answer: Callable[[Shot], str]):
        keys = Counter((getattr(shot, given), shot.number) for shot in self.video.shots)
        once = [i for i, s in enumerate(self.video.shots) if keys[(getattr(s, given), s.number)] == 1]
        if not once:
            return None
        index = self.rng.choice(once)
        shot = self.video.shots[index]
        return {given: getattr(shot, given), "number": shot.number}, answer(shot), (index,)

    def _part_of(self, index: int):
        part = self.rng.choice(("number", "caption", "colour", "shape"))
        return {"part": part}, getattr(self.video.shots[index], part), (index,)

    def _neighbour(self, step: int):
        inside = [i for i in self.single if 0 <= i + step < len(self.video.shots)]
        if not inside:
            return None
        index = self.rng.choice(inside)
        answer = _name(self.video.shots[index + step].thing)
        return {"thing": _name(self.video.shots[index].thing)}, answer, (index + step,)

    def _order(self):
        if len(self.single) < 2:
            return None
        one, two = self.rng.sample(self.single, 2)
        thing, other = (_name(self.video.shots[i].thing) for i in (one, two))
        return {"thing": thing, "other": other}, thing if one < two else other, (one, two)

    def _showing(self, thing: tuple[str, str]) -> tuple[int, ...]:
        return tuple(i for i, shot in enumerate(self.video.shots) if shot.thing == thing)

    def _exists(self):
        if self.rng.random() < 0.5:
            thing = self.rng.choice(self.video.shots).thing
            return {"thing": _name(thing)}, "yes", self._showing(thing)
        absent = self._absent()
        return ({"thing": _name(absent)}, "no", ()) if absent else None

    def _absent(self):
        things = [(c, s) for c in COLOURS for s in SHAPES if (c, s) not in self.times]
        return self.rng.choice(things) if things else None

    def _count(self):
        wanted = self.rng.randint(0, LARGEST_COUNT)
        absent = self._absent()
        things = [t for t, n in self.times.items() if n == wanted] if wanted else [absent] if absent else []
        if not things:
            return None
        thing = self.rng.choice(things)
        return {"thing": _name(thing)}, str(wanted), self._showing(thing)

    def _when(self):
        if not self.single:
            return None
        index = self.rng.choice(self.single)
        moment = moment_of((index + 0.5) / len(self.video.shots))
        return {"thing": _name(self.video.shots[index].thing)}, moment, (index,)

    def _slow(self, kind: str):
        return {}, self.video.trend if self.video.trend in SLOW[kind] else "neither", ()


def describe(video: Video, rng: random.Random) -> Question:
    """All shots in order. It teaches order and what belongs together; too long for exact match, so never scored."""
    told = " ".join(f"{s.colour} {s.shape} {s.caption} {s.number}" for s in video.shots)
    return Question("describe", rng.choice(DESCRIBE), told)


def recall(video: Video, rng: random.Random) -> Optional[Question]:
    """Shots in any order, each by what names it and then what it names: the plainest look-ups there are.

    Four words a shot, of which the last two follow from the first two; never scored. So with `neighbours`.
    """
    things = Counter(shot.thing for shot in video.shots)
    shaped = Counter((shot.shape, shot.number) for shot in video.shots)
    coloured = Counter((shot.colour, shot.number) for shot in video.shots)
    told = [f"{s.colour} {s.shape} {s.caption} {s.number}" for s in video.shots if things[s.thing] == 1]
    told += [f"{s.number} {s.shape} {s.colour} {s.caption}" for s in video.shots if shaped[(s.shape, s.number)] == 1]
    told += [f"{s.number} {s.colour} {s.shape} {s.caption}" for s in video.shots if coloured[(s.colour, s.number)] == 1]
    return _exercise("recall", "Tell me which is which.", told, rng)


def neighbours(video: Video, rng: random.Random, step: int) -> Optional[Question]:
    """Things in any order, each with the one after (`step` 1) or before it (-1)."""
    things = Counter(shot.thing for shot in video.shots)
    pairs = [(s, video.shots[i + step]) for i, s in enumerate(video.shots) if 0 <= i + step < len(video.shots)]
    told = [f"{_name(s.thing)} {_name(other.thing)}" for s, other in pairs if things[s.thing] == 1]
    text = "Tell me what follows what." if step > 0 else "Tell me what is right before what."
    return _exercise("neighbours", text, told, rng)


def _exercise(kind: str, text: str, told: list[str], rng: random.Random) -> Optional[Question]:
    rng.shuffle(told)
    return Question(kind, text, " ".join(told[:MOST_RECALLED])) if told else None


def ask_questions(video: Video, rng: random.Random, count: int, held_out: bool = False,
                  weights: Optional[dict[str, float]] = None) -> list[Question]:
    """`count` questions, none twice, kinds drawn by weight; a kind that has no answer here is drawn again."""
    weights = weights or WEIGHTS
    asker = _Asker(video, rng)
    kinds, shares = zip(*weights.items())
    asked: dict[str, Question] = {}
    for _ in range(count * 20):
        kind = rng.choices(kinds, shares)[0]
        # Ask mostly for the change that the video has, so that "neither" is no safe guess.
        if kind in SLOW and video.trend != "steady" and video.trend not in SLOW[kind] and rng.random() < 0.6:
            continue
        question = asker.ask(kind, held_out)
        if question and question.text not in asked:
            asked[question.text] = question
        if len(asked) == count:
            break
    return list(asked.values())
