"""A random tokenizer of Qwen2's kind: BPE over bytes, no token in front, with an encoder of its own (no library)."""
import re

from tokenizers import random_words

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>", "<video>"]
# Qwen2's pattern as files have it, and what it means for ASCII.
PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
ASCII = PATTERN.replace(r"\p{L}", "A-Za-z").replace(r"\p{N}", "0-9").replace("]?A-Za-z+", "]?[A-Za-z]+").replace("|0-9|", "|[0-9]|")


def byte_letters():
    """Each byte's printable stand-in: itself where it is printable, else a letter from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    other = [byte for byte in range(256) if byte not in plain]
    return {**{byte: chr(byte) for byte in plain}, **{byte: chr(0x100 + i) for i, byte in enumerate(other)}}


class ByteBpe:
    """`json` is the content of tokenizer.json; `encode` is what it means for ASCII texts."""

    special = SPECIAL

    def __init__(self, rng, anywhere=False):
        self.words = random_words(rng, 12)
        self.letters = byte_letters()
        self.ranks, pieces = {}, list(self.letters.values())
        for word in ["user", "assistant", *(self.letters[32] + word for word in ("what", "is", "the", "in", *self.words[:8]))]:
            parts = list(word)
            for _ in range(len(word) - 1):
                at = int(rng.integers(len(parts) - 1))
                pair = (parts[at], parts[at + 1])
                if "".join(pair) not in pieces:
                    pieces.append("".join(pair))
                self.ranks.setdefault(pair, len(self.ranks))
                parts[at : at + 2] = ["".join(pair)]
        tokens = pieces + SPECIAL
        ids = [int(i) for i in rng.permutation(len(tokens) + 40)] if anywhere else range(len(tokens))
        self.vocabulary = dict(zip(tokens, ids))
        words = {piece: self.vocabulary[piece] for piece in pieces}
        split = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}
        level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
        self.json = {
            "version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [
                {"id": self.vocabulary[token], "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
                for token in sorted(SPECIAL, key=self.vocabulary.get)
            ],
            "normalizer": {"type": "NFC"},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
            "post_processor": level, "decoder": level,
            "model": {
                "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "",
                "fuse_unk": False, "byte_fallback": False, "vocab": words, "merges": [f"{a} {b}" for a, b in self.ranks],
            },
        }

    def encode(self, text):
        ids = []
        for part in re.split("(" + "|".join(map(re.escape, SPECIAL)) + ")", text):
            if part in SPECIAL:
                ids.append(self.vocabulary[part])
                continue
            for piece in re.finditer(ASCII, part):
                ids.extend(self.encode_piece(piece.group()))
        return ids

    def encode_piece(self, piece):
        parts = [self.letters[byte] for byte in piece.encode()]
        while True:
            pairs = [(self.ranks[pair], i) for i, pair in enumerate(zip(parts, parts[1:])) if pair in self.ranks]
            if not pairs:
                return [self.vocabulary[part] for part in parts]
            _, at = min(pairs)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
