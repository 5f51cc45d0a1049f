"""Prompt-guided pooling in PyTorch: windows along time over all patches of a frame (arXiv 2411.02327).

Dimensions: B rows, F frames, P patches of a frame, T windows of k frames, D width.
"""
from __future__ import annotations

from torch import Tensor

TEMPERATURE = 0.01


def window_weights(logits: Tensor, kernel: int, guided: Tensor) -> Tensor:
    """[B, T, k·P]: how much each patch counts in its window.

    `logits` [B, F, P] are the guide's; `guided` [B] says which rows follow it, all others take the plain average.
    """
    b, f, p = logits.shape
    relevance = logits.flatten(1).softmax(-1).view(b, f // kernel, kernel * p)
    weights = (relevance / TEMPERATURE).softmax(-1)
    average = 1 / (kernel * p)
    return weights * guided[:, None, None] + average * ~guided[:, None, None]


def pool(patches: Tensor, weights: Tensor) -> Tensor:
    """[B, T, D] of patches [B, F, P, D] by the weights of their windows."""
    b, t, members = weights.shape
    return (weights[:, :, None] @ patches.reshape(b, t, members, -1)).squeeze(2)
