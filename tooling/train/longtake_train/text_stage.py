"""Stage 1: the decoder reads videos told in words, up to twice as long as eight frames need."""
from __future__ import annotations

import random
from collections import defaultdict

import torch
from torch import Tensor
from torch.nn import functional as F

from .model import LanguageModel, rope_tables
from .packing import IGNORED, Packed, draw_lessons, draw_questions, pack
from .vocabulary import PAD, SPECIAL, VOCABULARY
from .world import draw_video

# The exercises have dozens of words where an answer has one or two.
LESSON_WEIGHT = {"describe": 0.3, "recall": 0.6, "neighbours": 1.0}
# Of four layers: two gather what belongs together, this one looks, the last one speaks.
LOOKING_LAYER = 2


def sum_of_words(model: LanguageModel, ids: Tensor) -> Tensor:
    """[…, D] for word ids […, W], padding left out."""
    return (F.embedding(ids, model.model.embed_tokens.weight) * (ids != PAD)[..., None]).sum(-2)


def embed(model: LanguageModel, packed: Packed) -> Tensor:
    """Visual tokens have several words, all others one: looked up apart, since most tokens are others."""
    visual = slice(packed.start, packed.start + packed.count)
    others = F.embedding(packed.ids[..., 0], model.model.embed_tokens.weight)
    return torch.cat((others[:, :packed.start], sum_of_words(model, packed.ids[:, visual]), others[:, visual.stop:]), 1)


def with_noise(embeds: Tensor, packed: Packed, share: float) -> Tensor:
    """Noise on the visual tokens, up to `share` of the embeddings' spread, as an imperfect encoder would make it."""
    visual = slice(packed.start, packed.start + packed.count)
    embeds[:, visual] = embeds[:, visual] + torch.randn_like(embeds[:, visual]) * share * embeds.detach().std()
    return embeds


def draw_rounding(model: LanguageModel, rng: random.Random, packed: Packed, share: float) -> None:
    """A `share` of steps keeps keys and values in four bits, so that answers do not hang on finer differences."""
    model.round_cache((4, packed.start + packed.count) if rng.random() < share else None)


def answer_loss(model: LanguageModel, hidden: Tensor, packed: Packed) -> Tensor:
    chosen = packed.targets != IGNORED
    weights = torch.ones(packed.targets.shape)
    for row, (kinds, spans) in enumerate(zip(packed.kinds, packed.answers)):
        for kind, (begin, end) in zip(kinds, spans):
            weights[row, begin:end] = LESSON_WEIGHT.get(kind, 1.0)
    losses = F.cross_entropy(model.lm_head(hidden[chosen]), packed.targets[chosen], reduction="none")
    return (losses * weights[chosen]).sum() / weights[chosen].sum()


def evidence_loss(attention: list[Tensor], packed: Packed) -> Tensor:
    """How little the looking layer looks at the shots that an answer rests on, just before it speaks.

    It makes look-ups form early, and makes attention a fair account of the frames that mattered.
    """
    weights = attention[LOOKING_LAYER].mean(1)
    row, position = packed.evidence_rows.unbind(-1)
    seen = weights[row, position][:, packed.start:packed.start + packed.count]
    return -((seen * packed.evidence).sum(-1) + 1e-6).log().mean()


def exact(model: LanguageModel, hidden: Tensor, packed: Packed) -> dict[str, list[bool]]:
    """Whether each answer is right at every token, by kind of question."""
    guesses = model.lm_head(hidden).argmax(-1)
    right = (guesses == packed.targets) | (packed.targets == IGNORED)
    scores: dict[str, list[bool]] = defaultdict(list)
    for row, (kinds, spans) in enumerate(zip(packed.kinds, packed.answers)):
        for kind, (begin, end) in zip(kinds, spans):
            scores[kind].append(bool(right[row, begin:end].all()))
    return scores


def draw_batch(rng: random.Random, size: int, frames: int, shots: int, questions: int, longest_preamble: int) -> Packed:
    videos = [draw_video(rng, rng.randint(max(1, shots // 2), shots) if rng.random() < 0.3 else shots) for _ in range(size)]
    length = rng.randint(0, longest_preamble)
    words = range(len(SPECIAL), len(VOCABULARY))
    preamble = [[rng.choice(words) for _ in range(length)] for _ in range(size)]
    return pack(videos, draw_lessons(videos, rng, questions), frames, preamble)


@torch.no_grad()
def evaluate(model: LanguageModel, seed: int, frames: int, shots: int, videos: int = 64, scale: float = 1.0,
             rope: str = "none") -> dict[str, float]:
    """Exact match on videos told in words, longer than training where asked; `rope` none or ntk."""
    rng = random.Random(seed)
    drawn = [draw_video(rng, shots) for _ in range(videos)]
    packed = pack(drawn, draw_questions(drawn, rng, 8), frames, [[] for _ in drawn])
    c = model.config
    theta = c.rope_theta * scale ** (c.head_dim / (c.head_dim - 2)) if rope == "ntk" else c.rope_theta
    tables = rope_tables(packed.positions, c.head_dim, theta)
    scores = exact(model, model(embed(model, packed), packed.positions, packed.allowed, tables)[0], packed)
    every = [r for s in scores.values() for r in s]
    return {"all": sum(every) / len(every), **{k: sum(v) / len(v) for k, v in sorted(scores.items())}}
