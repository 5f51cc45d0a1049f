"""How good a decoder is on held-out videos and pictures, really seen: questions, images, descriptions."""
from __future__ import annotations

import random

import torch

from .clips import FRAMES, render_clips, render_frames
from .guide import Guide
from .model import LanguageModel, VideoLlava
from .questions import Question, ask_questions, describe
from .rows import exact_rows, make_rows, run_rows
from .seen import Seen, as_stills, fewer_frames, look, pool_for
from .sft_stage import IMAGE_KINDS, SINGLE_KINDS
from .writing import write_answers
from .world import Video, draw_video

# Shots, frames, kernel.
VIDEOS = ((8, 8, 1), (32, 32, 1), (32, 64, 4), (64, 64, 1), (64, 64, 4))
WHOLE = ((8, 8), (16, 16))
IMAGES = (1, 4)
TOLD_SHOTS = 6


class Evaluation:
    """Draws everything from `seed`, which is none that training draws from."""

    def __init__(self, eyes: VideoLlava, guide: Guide, seed: int, videos: int = 40):
        self.guide = guide
        self.seen: dict[int, Seen] = {}
        for shots in sorted({shots for shots, *_ in (*VIDEOS, *WHOLE)} | {TOLD_SHOTS}):
            rng = random.Random(f"evaluation-{seed}-{shots}")
            drawn = [draw_video(rng, shots) for _ in range(videos)]
            pixels = torch.from_numpy(render_frames(f"evaluation-{seed}-{shots}", drawn, 64))
            self.seen[shots] = look(eyes, guide, pixels, drawn)
        pixels, _, drawn = render_clips(f"evaluation-stills-{seed}", 160)
        self.stills = look(eyes, guide, *as_stills(torch.from_numpy(pixels), drawn, random.Random(seed)))
        self.seed = seed

    @torch.no_grad()
    def score(self, model: LanguageModel) -> dict[str, float]:
        scores: dict[str, float] = {}
        for shots, frames, kernel in VIDEOS:
            for guided in (True, False) if kernel > 1 else (True,):
                name = f"{shots} shots {frames}/{kernel} {'guided' if guided else 'average'}"
                scores[name] = self._pooled(model, shots, frames, kernel, guided)
        for shots, frames in WHOLE:
            scores[f"{shots} shots {frames} whole"] = self._whole(model, shots, frames)
        for images in IMAGES:
            scores[f"{images} image{'s' if images > 1 else ''}"] = self._images(model, images)
        scores["told"] = self.told(model)
        return {name: round(value, 3) for name, value in scores.items()}

    def _asked(self, shots: int) -> list[tuple[int, Question]]:
        rng = random.Random(f"evaluation-questions-{self.seed}-{shots}")
        return [(i, q) for i, v in enumerate(self.seen[shots].videos) for q in ask_questions(v, rng, 8, held_out=True)]

    def _pooled(self, model: LanguageModel, shots: int, frames: int, kernel: int, guided: bool) -> float:
        asked, seen = self._asked(shots), self.seen[shots]
        tokens, patches = zip(*(fewer_frames(seen, i, frames) for i, _ in asked))
        questions = [q for _, q in asked]
        visual, _ = pool_for(self.guide, questions, list(tokens), list(patches), kernel, [guided] * len(asked))
        return _share(model, questions, visual)

    def _whole(self, model: LanguageModel, shots: int, frames: int) -> float:
        asked, seen = self._asked(shots), self.seen[shots]
        return _share(model, [q for _, q in asked], torch.stack([fewer_frames(seen, i, frames)[0].flatten(0, 1) for i, _ in asked]))

    def _images(self, model: LanguageModel, images: int) -> float:
        rng = random.Random(f"evaluation-images-{self.seed}-{images}")
        questions, tokens, patches = [], [], []
        for start in range(0, len(self.stills.videos) - images + 1, images):
            row = slice(start, start + images)
            shown = Video(tuple(v.shots[0] for v in self.stills.videos[row]), "steady")
            for q in ask_questions(shown, rng, 4, True, SINGLE_KINDS if images == 1 else IMAGE_KINDS):
                questions.append(q)
                tokens.append(self.stills.tokens[row].flatten(0, 1).float())
                patches.append(self.stills.patches[row].flatten(0, 1).float())
        visual, _ = pool_for(self.guide, questions, tokens, patches, FRAMES, [True] * len(questions))
        return _share(model, questions, visual)

    def told(self, model: LanguageModel) -> float:
        """Open question: share of a description's words that stand where they should."""
        seen, rng = self.seen[TOLD_SHOTS], random.Random(f"evaluation-told-{self.seed}")
        questions = [describe(v, rng) for v in seen.videos]
        tokens, patches = zip(*(fewer_frames(seen, i, 16) for i in range(len(questions))))
        visual, _ = pool_for(self.guide, questions, list(tokens), list(patches), 1, [True] * len(questions))
        written = write_answers(model, questions, visual, most=4 * TOLD_SHOTS + 1)
        shares = [sum(a == b for a, b in zip(w.split(), q.answer.split())) / len(q.answer.split()) for w, q in zip(written, questions)]
        return sum(shares) / len(shares)


def _share(model: LanguageModel, questions: list[Question], visual) -> float:
    rows = make_rows(questions)
    every = [r for s in exact_rows(model, run_rows(model, rows, visual)[0], rows).values() for r in s]
    return sum(every) / len(every)
