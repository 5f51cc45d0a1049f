"""The world of the embedded checkpoint: what a video shows, drawn from a seed and nothing else."""
from __future__ import annotations

import random
from dataclasses import dataclass

COLOURS = ("red", "green", "blue", "yellow", "purple", "orange", "cyan", "white")
SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")
NUMBERS = tuple(str(n) for n in range(10))
CAPTIONS = ("b", "e", "h", "k", "m", "go", "hi", "ok", "tv", "up", "we", "xl")
# One slow change spans the whole video; "steady" has the jitter alone.
TRENDS = ("brighter", "darker", "left", "right", "longer", "shorter", "steady")
MOMENTS = ("start", "middle", "end")


@dataclass(frozen=True)
class Shot:
    colour: str
    shape: str
    number: str
    caption: str

    @property
    def thing(self) -> tuple[str, str]:
        """What questions call the shot by."""
        return (self.colour, self.shape)


@dataclass(frozen=True)
class Video:
    shots: tuple[Shot, ...]
    trend: str


def draw_video(rng: random.Random, shots: int) -> Video:
    """Neighbouring shots always differ in what they show, so that a cut can be seen."""
    drawn: list[Shot] = []
    while len(drawn) < shots:
        shot = Shot(rng.choice(COLOURS), rng.choice(SHAPES), rng.choice(NUMBERS), rng.choice(CAPTIONS))
        if not drawn or drawn[-1].thing != shot.thing:
            drawn.append(shot)
    return Video(tuple(drawn), rng.choice(TRENDS))


def moment_of(position: float) -> str:
    """Start, middle or end for a position in [0, 1): three, two and three eighths of the video."""
    eighth = int(position * 8)
    return MOMENTS[0] if eighth < 3 else MOMENTS[1] if eighth < 5 else MOMENTS[2]
