"""Writes `tests/data/sentence-piece`: models and what 1,000 texts become in each.

    /usr/bin/python3 tooling/parity/tokenizer_cases.py tests/data/sentence-piece
"""
import json
import os
import sys

import numpy

from sentence_piece import SentencePieceModel, random_pieces

WORDS = "what is the colour of first second person door opens before after video frame red blue a an to in".split()
ODD = [
    "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1ef\U0001f1f5", "视频", "里", "有什么", "これは", "動画", "한국어", "é", "e\u0301",
    "\u0000", "\u0007", "\t", "\n", "\r\n", "\u001b[0m", "\u007f", "\u00a0", "\u200b", "\ufeff", "\u2581", "\u2581\u2581", "\ufffd", "\ufffe", "\U0010ffff",
    " ", "  ", "     ", " " * 17, "<s>", "</s>", "<unk>", "<image>", "<0x0A>", "<0x41>", "</", "s>", "<", "USER:", "ASSISTANT:", "?", "...", "aaaa", "a" * 40,
]


def texts(rng, count):
    out = ["", " ", "a", "  a  ", "USER: <image>\nwhat is it? ASSISTANT:", "</s>", "<s>a</s>"]
    while len(out) < count:
        parts = [str(rng.choice(WORDS)) if rng.random() < 0.6 else ODD[rng.integers(len(ODD))] for _ in range(rng.integers(1, 12))]
        out.append((" " if rng.random() < 0.7 else "").join(parts))
    return out


def main(folder):
    os.makedirs(folder, exist_ok=True)
    rng = numpy.random.default_rng(5)
    samples = texts(rng, 1000)
    plain = [text.replace("<s>", "").replace("</s>", "").replace("<unk>", "") for text in samples[:400]]
    models = {
        "llama": SentencePieceModel(random_pieces(rng, plain, 400)),
        "trimmed": SentencePieceModel(
            random_pieces(rng, plain, 400, byte_fallback=False, user_defined=["<image>", "aa", "aaa", "USER:"], ties=True), byte_fallback=False, trim=True
        ),
        "bare": SentencePieceModel(random_pieces(rng, plain, 200, ties=True), dummy_prefix=False),
    }
    for name, model in models.items():
        with open(os.path.join(folder, name + ".model"), "wb") as file:
            file.write(model.serialise())
        cases = [[model.encode(text), model.encode_prompt(text), model.decode(model.encode(text))] for text in samples]
        with open(os.path.join(folder, name + ".json"), "w") as file:
            json.dump(cases, file, separators=(",", ":"))
    with open(os.path.join(folder, "texts.json"), "w") as file:
        json.dump(samples, file, separators=(",", ":"))


if __name__ == "__main__":
    main(sys.argv[1])
