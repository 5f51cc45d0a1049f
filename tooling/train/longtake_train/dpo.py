"""Direct preference optimisation (arXiv 2305.18290): the right answer before the model's own wrong one."""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .model import LanguageModel
from .packing import IGNORED
from .rows import Rows, run_rows


def dpo_loss(chosen: Tensor, rejected: Tensor, chosen_before: Tensor, rejected_before: Tensor, beta: float) -> Tensor:
    """Mean of −log σ(β·((chosen − chosen_before) − (rejected − rejected_before))) over log-probabilities [B].

    `…_before` are those of the reference model.
    """
    return -F.logsigmoid(beta * ((chosen - chosen_before) - (rejected - rejected_before))).mean()


def log_probability(model: LanguageModel, rows: Rows, visual: Tensor | list[Tensor]) -> Tensor:
    """[B]: of each row's whole answer, its end included."""
    logits = model.lm_head(run_rows(model, rows, visual)[0]).log_softmax(-1)
    counted = rows.targets != IGNORED
    picked = logits.gather(-1, rows.targets.clamp(min=0)[..., None])[..., 0]
    return torch.where(counted, picked, torch.zeros(())).sum(-1)
