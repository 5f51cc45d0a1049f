"""Saving a run so that a cut at any moment leaves the last whole state."""
from __future__ import annotations

from pathlib import Path

import torch


def save_state(path: Path, **state) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)
