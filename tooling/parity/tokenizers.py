"""Random tokenizers in the tokenizer.json layout, with an encoder of their own (no library)."""
import re

SPECIAL = ["<unk>", "<s>", "</s>", "<pad>", "<image>", "<video>"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
BASE_WORDS = ["USER", "ASSISTANT", ":", "?", ".", ",", "what", "is", "the", "in", "video"]


def random_words(rng, count):
    words = set()
    while len(words) < count:
        words.add("".join(rng.choice(list(LETTERS), size=rng.integers(3, 7))))
    return sorted(words)


def shuffled_ids(rng, tokens, size, anywhere):
    """Ids: special tokens first and the placeholders last, as published; or all of them anywhere."""
    if anywhere:
        ids = rng.permutation(size)[: len(tokens) + len(SPECIAL)]
        return {token: int(i) for token, i in zip(SPECIAL + tokens, ids)}
    order = SPECIAL[:3] + tokens + ["<image>", "<video>", "<pad>"]
    return {token: i for i, token in enumerate(order)}


class Tokenizer:
    """`json` is the content of tokenizer.json; `encode` is what it means, with the first token in front."""

    special = SPECIAL

    def __init__(self, vocabulary, model, parts):
        self.vocabulary = vocabulary
        special = sorted((vocabulary[token], token) for token in SPECIAL)
        self.json = {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [
                {"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
                for i, token in special
            ],
            **parts,
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"<s>": {"id": "<s>", "ids": [vocabulary["<s>"]], "tokens": ["<s>"]}},
            },
            "model": model,
        }

    def encode(self, text):
        ids = [self.vocabulary["<s>"]]
        for part in re.split("(" + "|".join(map(re.escape, SPECIAL)) + ")", text):
            if part in SPECIAL:
                ids.append(self.vocabulary[part])
            elif part:
                ids.extend(self.encode_plain(part))
        return ids


class WordLevel(Tokenizer):
    def __init__(self, rng, size, anywhere):
        words = BASE_WORDS + random_words(rng, size - len(SPECIAL) - len(BASE_WORDS) - 3)
        self.words = words[len(BASE_WORDS) :]
        vocabulary = shuffled_ids(rng, words, size, anywhere)
        model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"}
        parts = {"normalizer": None, "pre_tokenizer": {"type": "Whitespace"}, "decoder": None}
        super().__init__(vocabulary, model, parts)

    def encode_plain(self, text):
        words = re.findall(r"\w+|[^\w\s]+", text)
        return [self.vocabulary.get(word, self.vocabulary["<unk>"]) for word in words]


class Bpe(Tokenizer):
    """Llama's kind: spaces become ▁, one in front of every stretch of text, merges by rank, bytes as fallback."""

    def __init__(self, rng, size, anywhere):
        self.words = random_words(rng, 12)
        bytes_ = [f"<0x{b:02X}>" for b in range(256)]
        letters = ["▁", *LETTERS, *LETTERS.upper(), *":?.,"]
        self.ranks, pieces = {}, list(letters)
        targets = ["▁" + word for word in BASE_WORDS if word.isalpha()] + ["▁" + word for word in self.words[:8]]
        for word in targets:
            parts = list(word)
            for _ in range(len(word) - 1):
                at = int(rng.integers(len(parts) - 1))
                pair = (parts[at], parts[at + 1])
                if "".join(pair) not in pieces:
                    pieces.append("".join(pair))
                self.ranks.setdefault(pair, len(self.ranks))
                parts[at : at + 2] = ["".join(pair)]
        vocabulary = shuffled_ids(rng, bytes_ + pieces, max(size, len(bytes_ + pieces) + len(SPECIAL) + 3), anywhere)
        merges = [f"{a} {b}" for a, b in self.ranks]
        model = {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "vocab": vocabulary, "merges": merges}
        normalizer = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
        decoder = {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
        super().__init__(vocabulary, model, {"normalizer": normalizer, "pre_tokenizer": None, "decoder": decoder})

    def encode_plain(self, text):
        parts = list("▁" + text.replace(" ", "▁"))
        while True:
            pairs = [(self.ranks[pair], i) for i, pair in enumerate(zip(parts, parts[1:])) if pair in self.ranks]
            if not pairs:
                break
            _, at = min(pairs)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        ids = []
        for part in parts:
            whole = self.vocabulary.get(part)
            ids.extend([whole] if whole is not None else [self.vocabulary[f"<0x{b:02X}>"] for b in part.encode()])
        return ids
