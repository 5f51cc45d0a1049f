"""Draws frames of the world as RGB pictures. Lengths and places are shares of the frame's side."""
from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .world import Shot, Video

RGB = {
    "red": (225, 30, 35), "green": (30, 170, 50), "blue": (40, 70, 230), "yellow": (245, 220, 30),
    "purple": (150, 40, 190), "orange": (250, 130, 15), "cyan": (40, 210, 220), "white": (240, 240, 240),
}

# 5 × 7 dot matrices, a row a number, highest bit left.
GLYPHS = {
    "0": (14, 17, 19, 21, 25, 17, 14), "1": (4, 12, 4, 4, 4, 4, 14), "2": (14, 17, 1, 2, 4, 8, 31),
    "3": (31, 2, 4, 2, 1, 17, 14), "4": (2, 6, 10, 18, 31, 2, 2), "5": (31, 16, 30, 1, 1, 17, 14),
    "6": (6, 8, 16, 30, 17, 17, 14), "7": (31, 1, 2, 4, 8, 8, 8), "8": (14, 17, 17, 14, 17, 17, 14),
    "9": (14, 17, 17, 15, 1, 2, 12), "b": (30, 17, 17, 30, 17, 17, 30), "e": (31, 16, 16, 30, 16, 16, 31),
    "g": (14, 17, 16, 23, 17, 17, 15), "h": (17, 17, 17, 31, 17, 17, 17), "i": (14, 4, 4, 4, 4, 4, 14),
    "k": (17, 18, 20, 24, 20, 18, 17), "l": (16, 16, 16, 16, 16, 16, 31), "m": (17, 27, 21, 21, 17, 17, 17),
    "o": (14, 17, 17, 17, 17, 17, 14), "p": (30, 17, 17, 30, 16, 16, 16), "t": (31, 4, 4, 4, 4, 4, 4),
    "u": (17, 17, 17, 17, 17, 17, 14), "v": (17, 17, 17, 17, 17, 10, 4), "w": (17, 17, 17, 21, 21, 21, 10),
    "x": (17, 17, 10, 4, 10, 17, 17),
}


@dataclass(frozen=True)
class Look:
    """What a shot looks like beyond what is asked about it."""
    top: tuple[float, float, float]
    bottom: tuple[float, float, float]
    place: tuple[float, float]
    velocity: tuple[float, float]
    radius: float
    caption_shift: tuple[float, float]
    number_shift: tuple[float, float]
    gain_jitter: float
    dot_jitter: float
    bar_jitter: float


@dataclass(frozen=True)
class Staging:
    """A video with everything that drawing needs; times are shares of the whole video."""
    video: Video
    looks: tuple[Look, ...]
    cuts: tuple[float, ...]
    gain: tuple[float, float]
    dot: tuple[float, float]
    bar: tuple[float, float]


def stage(video: Video, rng: random.Random) -> Staging:
    def around(amount: float) -> float:
        return rng.uniform(-amount, amount)

    def muted() -> tuple[float, float, float]:
        grey = rng.uniform(30, 95)
        return tuple(grey + around(22) for _ in range(3))  # type: ignore[return-value]

    looks = tuple(
        Look(muted(), muted(), (0.5 + around(0.14), 0.325 + around(0.025)), (around(0.12), around(0.02)),
             rng.uniform(0.17, 0.205), (around(0.02), around(0.02)), (around(0.02), around(0.02)),
             around(0.08), around(0.1), around(0.1))
        for _ in video.shots)
    count = len(video.shots)
    inner = [(k + around(0.2)) / count for k in range(1, count)]

    def slow(low: float, high: float, up: str, down: str) -> tuple[float, float]:
        if video.trend not in (up, down):
            still = rng.uniform(low, high)
            return still, still
        share = rng.uniform(0.75, 1.0)
        start = low + rng.uniform(0, 1 - share) * (high - low)
        end = start + share * (high - low)
        return (start, end) if video.trend == up else (end, start)

    return Staging(video, looks, (0.0, *inner, 1.0), slow(0.52, 0.98, "brighter", "darker"),
                   slow(0.2, 0.8, "right", "left"), slow(0.2, 0.8, "longer", "shorter"))


def shot_at(staging: Staging, position: float) -> int:
    return max(0, min(len(staging.looks), int(np.searchsorted(staging.cuts, position, "right"))) - 1)


@lru_cache(maxsize=4)
def _grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size
    return axis[None, :], axis[:, None]


def _distance(shape: str, dx: np.ndarray, dy: np.ndarray, r: float) -> np.ndarray:
    """Signed distance, roughly: below zero inside."""
    ax, ay = np.abs(dx), np.abs(dy)
    if shape == "circle":
        return np.hypot(dx, dy) - r
    if shape == "ring":
        return np.abs(np.hypot(dx, dy) - r * 0.76) - r * 0.24
    if shape == "square":
        return np.maximum(ax, ay) - r * 0.86
    if shape == "cross":
        return np.minimum(np.maximum(ax - r, ay - r * 0.3), np.maximum(ax - r * 0.3, ay - r))
    if shape == "triangle":
        return np.maximum(dy - r * 0.72, ax * 0.88 - (dy + r) * 0.47)
    angle, radius = np.arctan2(dx, -dy), np.hypot(dx, dy)
    # star: the edge swings between a tip and a notch five times round
    swing = np.abs(((angle / (2 * math.pi) * 5) % 1) - 0.5) * 2
    return (radius - r * (0.42 + 0.66 * swing ** 1.3)) * 0.6


def _write(picture: np.ndarray, text: str, x: float, y: float, cell: float, ink, paper) -> None:
    """A box with the text in it, centred on (x, y)."""
    size = picture.shape[0]
    rows = [sum(((GLYPHS[c][row] << 1) << (6 * (len(text) - 1 - i)) for i, c in enumerate(text))) for row in range(7)]
    width = 6 * len(text) + 1
    bits = np.zeros((9, width), np.float32)
    for row, value in enumerate(rows):
        bits[row + 1] = [(value >> (width - 1 - c)) & 1 for c in range(width)]
    h, w = round(9 * cell * size), round(width * cell * size)
    left, top = round(x * size - w / 2), round(y * size - h / 2)
    mask = bits[(np.arange(h) * 9 // h)[:, None], (np.arange(w) * width // w)[None, :]]
    picture[top:top + h, left:left + w] = np.where(mask[..., None] > 0, ink, paper)


def draw_frame(staging: Staging, position: float, size: int) -> np.ndarray:
    """The picture on screen at `position` in [0, 1): [size, size, 3] uint8."""
    index = shot_at(staging, position)
    shot: Shot = staging.video.shots[index]
    look = staging.looks[index]
    xs, ys = _grid(size)
    inside = position * len(staging.looks) - index - 0.5
    rows = np.asarray(look.top, np.float32) * (1 - ys) + np.asarray(look.bottom, np.float32) * ys
    picture = np.repeat(rows[:, None], size, axis=1)

    cx, cy = (p + v * inside for p, v in zip(look.place, look.velocity))
    reach = look.radius + 2 / size
    left, right, top, bottom = (int(np.clip(edge, 0, 1) * size) for edge in (cx - reach, cx + reach, cy - reach, cy + reach))
    window = picture[top:bottom, left:right]
    distance = _distance(shot.shape, xs[:, left:right] - cx, ys[top:bottom] - cy, look.radius)
    cover = np.clip(0.5 - distance * size, 0, 1)[..., None]
    window += cover * (np.asarray(RGB[shot.colour], np.float32) - window)

    _write(picture, shot.caption, 0.26 + look.caption_shift[0], 0.735 + look.caption_shift[1], 0.031,
           (250, 235, 150), (25, 25, 60))
    _write(picture, shot.number, 0.75 + look.number_shift[0], 0.735 + look.number_shift[1], 0.034,
           (255, 255, 255), (10, 10, 10))

    def now(span: tuple[float, float]) -> float:
        return span[0] + (span[1] - span[0]) * position

    strip = round(0.09 * size)
    picture[:strip] = (12, 12, 12)
    dot = np.hypot(xs - (now(staging.dot) + look.dot_jitter), ys[:strip] - 0.045) < 0.04
    picture[:strip][dot] = (250, 250, 250)
    picture[round(0.925 * size):] = (12, 12, 12)
    bar = round((now(staging.bar) + look.bar_jitter) * size)
    picture[round(0.945 * size):round(0.985 * size), round(0.03 * size):bar] = (170, 220, 255)
    picture *= now(staging.gain) + look.gain_jitter
    return np.minimum(picture, 255).astype(np.uint8)
