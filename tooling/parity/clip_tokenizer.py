"""A tiny CLIP text tokenizer in the tokenizer.json layout, with an encoder of its own (no library).

CLIP's rule: lower case, runs of whitespace are one space; words, single digits and runs of other signs are pieces;
a piece is its UTF-8 bytes as printable characters, the last of them marked `</w>`, merged by rank.
"""
import re
import unicodedata

from tokenizers import BASE_WORDS, WordLevel, random_words

START, END = "<|startoftext|>", "<|endoftext|>"
SPLIT = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"
CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")


def byte_characters():
    """A printable character for each byte: itself where it is one, else the next one from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    characters, spare = {}, 256
    for byte in range(256):
        if byte in printable:
            characters[byte] = chr(byte)
        else:
            characters[byte], spare = chr(spare), spare + 1
    return characters


def kind(character):
    """What the split pattern takes a character for."""
    if character.isspace():
        return "space"
    return {"L": "letter", "N": "number"}.get(unicodedata.category(character)[0], "other")


def split(text):
    pieces, at = [], 0
    while at < len(text):
        contraction = next((c for c in CONTRACTIONS if text.startswith(c, at)), None)
        what, end = kind(text[at]), at + 1
        if contraction:
            end = at + len(contraction)
        elif what in ("letter", "other"):
            while end < len(text) and kind(text[end]) == what:
                end += 1
        if what != "space":
            pieces.append(text[at:end])
        at = end
    return pieces


class ClipBpe:
    """`json` is the content of tokenizer.json; `encode` is what it means: start, tokens, end."""

    def __init__(self, rng, words):
        self.bytes = byte_characters()
        letters = [self.bytes[b] for b in sorted(self.bytes, key=lambda b: (len(self.bytes[b].encode()) > 2, self.bytes[b]))]
        pieces, self.ranks = [*letters, *(letter + "</w>" for letter in letters)], {}
        for word in words:
            parts = [*word[:-1], word[-1] + "</w>"]
            # The last word of the list stays in two parts, so that not every word is one token.
            while len(parts) > (2 if word == words[-1] else 1):
                at = int(rng.integers(len(parts) - 1))
                pair = (parts[at], parts[at + 1])
                if "".join(pair) not in pieces:
                    pieces.append("".join(pair))
                self.ranks.setdefault(pair, len(self.ranks))
                parts[at : at + 2] = ["".join(pair)]
        self.vocabulary = {token: i for i, token in enumerate([*pieces, START, END])}
        self.start, self.end = self.vocabulary[START], self.vocabulary[END]
        self.json = self._json()

    def _json(self):
        special = lambda token: {"id": self.vocabulary[token], "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": token == START, "special": True}
        return {
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": [special(START), special(END)],
            "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}, {"type": "Lowercase"}]},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": SPLIT}, "behavior": "Removed", "invert": True},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True},
            ]},
            "post_processor": {"type": "RobertaProcessing", "sep": [END, self.end], "cls": [START, self.start], "trim_offsets": False, "add_prefix_space": False},
            "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True},
            "model": {"type": "BPE", "dropout": None, "unk_token": END, "continuing_subword_prefix": "", "end_of_word_suffix": "</w>", "fuse_unk": False,
                      "vocab": self.vocabulary, "merges": [f"{a} {b}" for a, b in self.ranks]},
        }

    def encode(self, text):
        ids = []
        for piece in split(re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).lower()):
            parts = [self.bytes[byte] for byte in piece.encode()]
            parts[-1] += "</w>"
            while True:
                pairs = [(self.ranks[pair], i) for i, pair in enumerate(zip(parts, parts[1:])) if pair in self.ranks]
                if not pairs:
                    break
                _, at = min(pairs)
                parts[at : at + 2] = [parts[at] + parts[at + 1]]
            ids += [self.vocabulary[part] for part in parts]
        return [self.start, *ids, self.end]


class GuideWords(WordLevel):
    """Words as tokens, ids anywhere; `<s>` and `</s>` are named by the config alone, tokenizer.json adds nothing."""

    def __init__(self, rng, size):
        super().__init__(rng, size, True)
        self.start, self.end = self.vocabulary["<s>"], self.vocabulary["</s>"]
        self.json["post_processor"] = None

    def encode(self, text):
        return [self.start, *self.encode_plain(text), self.end]


def clip_words(rng):
    return [word.lower() for word in BASE_WORDS if word.isalpha()] + random_words(rng, 16)
