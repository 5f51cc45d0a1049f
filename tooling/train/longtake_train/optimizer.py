"""Muon for matrices (orthogonalised momentum, Newton-Schulz), AdamW for everything else, one schedule."""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def orthogonalise(g: Tensor, steps: int = 5) -> Tensor:
    """Nearest semi-orthogonal matrix by the quintic Newton-Schulz iteration."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g / (g.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.t() if tall else x
    for _ in range(steps):
        s = x @ x.t()
        x = a * x + (b * s + c * s @ s) @ x
    return x.t() if tall else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr: float, momentum: float = 0.95, weight_decay: float = 0.01):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                buffer = state.setdefault("momentum", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group["momentum"])
                update = orthogonalise(p.grad.lerp(buffer, group["momentum"]).flatten(1))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update.view_as(p), alpha=-group["lr"] * max(1, update.shape[0] / update.shape[1]) ** 0.5)


class Optimizer:
    """Both optimisers behind one step; the rate warms up, stays, and falls to zero over the last part."""

    def __init__(self, named, muon_lr: float, adam_lr: float, steps: int, warmup: int = 50, decay: float = 0.4):
        named = [(n, p) for n, p in named if p.requires_grad]
        hidden = [p for n, p in named if muon_lr and p.dim() == 2 and "layers" in n and "temporal_embedding" not in n]
        chosen = {id(p) for p in hidden}
        rest = [p for _, p in named if id(p) not in chosen]
        self.params = [p for _, p in named]
        self.parts = [torch.optim.AdamW(rest, lr=adam_lr, betas=(0.9, 0.98), weight_decay=0.01)]
        if hidden:
            self.parts.append(Muon(hidden, lr=muon_lr))
        self.bases = [g["lr"] for o in self.parts for g in o.param_groups]
        self.steps, self.warmup, self.decay = steps, warmup, decay

    def scale(self, step: int) -> float:
        left = (self.steps - step) / (self.steps * self.decay)
        return min(1.0, (step + 1) / self.warmup, max(0.0, left))

    def step(self, step: int) -> float:
        norm = nn.utils.clip_grad_norm_(self.params, 1.0)
        groups = [g for o in self.parts for g in o.param_groups]
        for base, group in zip(self.bases, groups):
            group["lr"] = base * self.scale(step)
        for o in self.parts:
            o.step()
            o.zero_grad(set_to_none=True)
        return float(norm) if math.isfinite(float(norm)) else float("nan")

    def state_dict(self):
        return [o.state_dict() for o in self.parts]

    def load_state_dict(self, state):
        for o, s in zip(self.parts, state):
            o.load_state_dict(s)
