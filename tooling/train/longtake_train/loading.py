"""Parts of the model as earlier stages saved them."""
from __future__ import annotations

from pathlib import Path

import torch

from .guide import Guide, GuideConfig
from .model import LanguageModel, TextConfig, VideoLlava, VisionConfig
from .vocabulary import VOCABULARY


def load_eyes(path: str | Path) -> VideoLlava:
    """Encoder and projector, with the decoder they were aligned to."""
    model = VideoLlava(VisionConfig(), TextConfig(len(VOCABULARY)))
    model.load_state_dict(torch.load(path)["model"])
    return model


def load_guide(path: str | Path) -> Guide:
    guide = Guide(GuideConfig(len(VOCABULARY)))
    guide.load_state_dict(torch.load(path)["model"])
    return guide


def load_words(path: str | Path) -> LanguageModel:
    """The decoder."""
    model = LanguageModel(TextConfig(len(VOCABULARY)))
    model.load_state_dict(torch.load(path)["model"])
    return model
