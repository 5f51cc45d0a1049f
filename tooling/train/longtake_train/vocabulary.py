"""The fixed vocabulary: every word of the world, its questions and its answers, one token each."""
from __future__ import annotations

import json
import re
from pathlib import Path

from .questions import DESCRIBE, PHRASINGS
from .world import CAPTIONS, COLOURS, MOMENTS, NUMBERS, SHAPES, TRENDS

SPECIAL = ("<pad>", "<unk>", "<s>", "</s>", "<video>")
PAD, UNK, BOS, EOS, VIDEO = range(len(SPECIAL))
TEMPLATE = ("user", ":", "assistant")
WORD = re.compile(r"\w+|[^\w\s]+")


def _words() -> list[str]:
    words = list(TEMPLATE) + ["yes", "no", "neither"]
    for group in (COLOURS, SHAPES, NUMBERS, CAPTIONS, TRENDS, MOMENTS):
        words += group
    phrasings = [p for trained, held_out in PHRASINGS.values() for p in trained + held_out]
    for phrasing in phrasings + list(DESCRIBE):
        words += WORD.findall(re.sub(r"\{\w+\}", " ", phrasing).lower())
    return list(dict.fromkeys(words))


VOCABULARY = list(SPECIAL) + _words()
IDS = {word: i for i, word in enumerate(VOCABULARY)}


def encode(text: str) -> list[int]:
    """Lower-cased words and runs of punctuation, as the tokenizer.json below cuts them."""
    return [IDS.get(word, UNK) for word in WORD.findall(text.lower())]


def decode(ids: list[int]) -> str:
    return " ".join(VOCABULARY[i] for i in ids if i >= len(SPECIAL))


def tokenizer_json(text_end: bool) -> dict:
    """`text_end` closes every text, as CLIP's does."""
    end = [{"SpecialToken": {"id": "</s>", "type_id": 0}}] if text_end else []
    added = [{"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False, "special": True} for i, token in enumerate(SPECIAL)]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, *end],
            "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                     {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {token: {"id": token, "ids": [SPECIAL.index(token)], "tokens": [token]} for token in ("<s>", "</s>")},
        },
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": IDS, "unk_token": "<unk>"},
    }


def save_tokenizer(folder: Path, text_end: bool = False) -> None:
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer_json(text_end), indent=1) + "\n")
