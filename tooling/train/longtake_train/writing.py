"""Answers written token by token: greedily, or drawn at a temperature."""
from __future__ import annotations

import torch
from torch import Tensor

from .model import LanguageModel
from .questions import Question
from .rows import make_rows, run_rows
from .vocabulary import EOS, decode


@torch.no_grad()
def write_answers(model: LanguageModel, questions: list[Question], visual: Tensor | list[Tensor], most: int,
                  temperature: float = 0.0) -> list[str]:
    """Up to `most` tokens each; what stands after the end token is dropped."""
    written: list[list[int]] = [[] for _ in questions]
    for _ in range(most):
        rows = make_rows(questions, written)
        hidden, _ = run_rows(model, rows, visual)
        last = torch.tensor([begin + len(ids) for (begin, _), ids in zip(rows.spans, written)])
        logits = model.lm_head(hidden[torch.arange(len(last)), last])
        chosen = (logits / temperature).softmax(-1).multinomial(1)[:, 0] if temperature > 0 else logits.argmax(-1)
        for ids, token in zip(written, chosen.tolist()):
            if EOS not in ids:
                ids.append(token)
        if all(EOS in ids for ids in written):
            break
    return [decode(ids[:ids.index(EOS)] if EOS in ids else ids) for ids in written]

