"""Stage 3: eyes and words together. The projector learns the decoder's words, then all is tuned on eight frames."""
from __future__ import annotations

import random

import torch
from torch import Tensor

from .clips import FRAMES, normalise, render_frames
from .model import VideoLlava, rope_tables
from .packing import Packed, caption_tokens, draw_questions, pack
from .text_stage import embed, exact, sum_of_words
from .world import Video, draw_video


def ideal_tokens(model: VideoLlava, videos: list[Video], frames: int = FRAMES) -> Tensor:
    """[B, F·P, D]: what a perfect encoder would say, in the decoder's own embeddings."""
    return sum_of_words(model.language_model, torch.tensor([caption_tokens(v, frames) for v in videos]))


def with_visual_tokens(model: VideoLlava, packed: Packed, tokens: Tensor) -> Tensor:
    embeds = embed(model.language_model, packed)
    before, after = embeds[:, :packed.start], embeds[:, packed.start + packed.count:]
    return torch.cat((before, tokens, after), 1)


def arrange(frames: int, layout: str) -> tuple[Tensor, Tensor]:
    """Frames in clip order, and where each frame's tokens are found afterwards."""
    clips = frames // FRAMES
    if layout == "contiguous":
        order = torch.arange(frames)
    else:
        order = torch.arange(frames).view(FRAMES, clips).t().reshape(-1)
    return order, order.argsort()


class Held:
    """Held-out videos of one length, seen at one number of frames."""

    def __init__(self, shots: int, frames: int, videos: int = 40, questions: int = 8):
        rng = random.Random(f"tune-held-out-{shots}")
        self.shots, self.frames = shots, frames
        self.videos = [draw_video(rng, shots) for _ in range(videos)]
        self.questions = draw_questions(self.videos, rng, questions)
        self.pixels = torch.from_numpy(render_frames(f"tune-held-out-{shots}", self.videos, frames))

    @torch.no_grad()
    def score(self, model: VideoLlava, layout: str = "interleaved", rope: str = "none", trained: int = 128) -> dict[str, float]:
        order, back = arrange(self.frames, layout)
        b, p, t = len(self.videos), model.vision_config.tokens, model.text_config
        clips = normalise(self.pixels[:, order]).reshape(-1, FRAMES, 3, *self.pixels.shape[2:4])
        tokens = model.visual_tokens(clips).view(b, self.frames, p, -1)[:, back].flatten(1, 2)
        packed = pack(self.videos, self.questions, self.frames, [[] for _ in self.videos])
        scale = max(1.0, (int(packed.positions.max()) + 1) / trained)
        theta = t.rope_theta * scale ** (t.head_dim / (t.head_dim - 2)) if rope == "ntk" else t.rope_theta
        cos, sin = rope_tables(packed.positions / (scale if rope == "linear" else 1.0), t.head_dim, theta)
        lm = model.language_model
        scores = exact(lm, lm(with_visual_tokens(model, packed, tokens), packed.positions, packed.allowed, (cos, sin))[0], packed)
        every = [r for s in scores.values() for r in s]
        return {"all": sum(every) / len(every), **{k: round(sum(v) / len(v), 2) for k, v in sorted(scores.items())}}
