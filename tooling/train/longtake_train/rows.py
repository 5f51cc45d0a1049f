"""One question a row: what prompt-guided pooling needs, because there the video's tokens follow the question."""
from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .model import LanguageModel
from .packing import EXERCISES, IGNORED, follows
from .questions import Question
from .text_stage import LOOKING_LAYER
from .vocabulary import BOS, EOS, PAD, encode

HEAD = [BOS] + encode("user :")


@dataclass
class Rows:
    """ids, targets [B, L] without the visual tokens, which stand after the head; `spans` are the answers' places."""
    ids: Tensor
    targets: Tensor
    questions: list[Question]
    spans: list[tuple[int, int]]


def make_rows(questions: list[Question], answers: list[list[int]] | None = None) -> Rows:
    """`answers` in tokens instead of the questions' right ones."""
    rows, targets, spans = [], [], []
    for q, ids in zip(questions, answers or [encode(q.answer) for q in questions]):
        prompt, answer = encode(f"{q.text} assistant :"), ids + [EOS]
        begin = len(HEAD) + len(prompt) - 1
        rows.append(HEAD + prompt + answer[:-1])
        learned = follows(answer) if q.kind in EXERCISES else answer
        targets.append([IGNORED] * begin + learned)
        spans.append((begin, begin + len(answer)))
    longest = max(map(len, rows))
    fill = lambda lists, value: torch.tensor([r + [value] * (longest - len(r)) for r in lists])
    return Rows(fill(rows, PAD), fill(targets, IGNORED), questions, spans)


def run_rows(model: LanguageModel, rows: Rows, visual: Tensor | list[Tensor]) -> tuple[Tensor, Tensor]:
    """Hidden states [B, L, D] of the text, and the looking layer's attention [B, L, T] to the visual tokens.

    `visual` [B, T, D], or one [T, D] a row where videos, images and several images share a batch.
    """
    head, width = len(HEAD), model.config.hidden_size
    counts = torch.tensor([len(v) for v in visual])
    most, text = int(counts.max()), rows.ids.shape[1]
    embeds = F.embedding(rows.ids, model.model.embed_tokens.weight)
    if len(set(counts.tolist())) > 1:
        placed = [torch.cat((e[:head], v, e[head:], e.new_zeros(most - len(v), width))) for e, v in zip(embeds, visual)]
        embeds = torch.stack(placed)
    else:
        same = visual if isinstance(visual, Tensor) else torch.stack(visual)
        embeds = torch.cat((embeds[:, :head], same, embeds[:, head:]), 1)
    length = embeds.shape[1]
    allowed = torch.ones(1, length, length, dtype=torch.bool).tril()
    hidden, attention = model(embeds, torch.arange(length)[None], allowed)
    places = torch.arange(text)[None] + counts[:, None] * (torch.arange(text) >= head)
    looked = attention[LOOKING_LAYER].mean(1)[..., head:head + most]
    row = torch.arange(len(counts))[:, None]
    return hidden[row, places], looked[row, places]


def rows_loss(model: LanguageModel, hidden: Tensor, rows: Rows, weights: dict[str, float]) -> Tensor:
    chosen = rows.targets != IGNORED
    each = torch.tensor([weights.get(q.kind, 1.0) for q in rows.questions])[:, None].expand(chosen.shape)[chosen]
    losses = F.cross_entropy(model.lm_head(hidden[chosen]), rows.targets[chosen], reduction="none")
    return (losses * each).sum() / each.sum()


def looking_loss(looked: Tensor, rows: Rows, evidence: Tensor) -> Tensor:
    """How little the looking layer looks, just before it speaks, at what the answer rests on: evidence [B, T] in 0 … 1."""
    before = torch.tensor([begin for begin, _ in rows.spans])
    seen = (looked[torch.arange(len(before)), before] * evidence).sum(-1)
    known = evidence.sum(-1) > 0
    return -((seen[known] + 1e-6).log()).sum() / max(int(known.sum()), 1)


def exact_rows(model: LanguageModel, hidden: Tensor, rows: Rows) -> dict[str, list[bool]]:
    """Whether each answer is right at every token, by kind of question."""
    right = (model.lm_head(hidden).argmax(-1) == rows.targets) | (rows.targets == IGNORED)
    scores: dict[str, list[bool]] = defaultdict(list)
    for row, (question, (begin, end)) in enumerate(zip(rows.questions, rows.spans)):
        scores[question.kind].append(bool(right[row, begin:end].all()))
    return scores
