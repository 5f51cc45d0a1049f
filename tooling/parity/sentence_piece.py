"""SentencePiece models of the BPE kind: a small reference by their definition, and a writer of `tokenizer.model`.

Merging looks through all neighbours again for every merge, so it shares neither code nor method with the packages.
"""
import re
import struct

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6
SPACE = "\u2581"


class SentencePieceModel:
    def __init__(self, pieces, byte_fallback=True, dummy_prefix=True, trim=False):
        """`pieces`: (text, score, type), the id of each being its place; scores as float32 holds them."""
        self.pieces = [(text, struct.unpack("<f", struct.pack("<f", score))[0], kind) for text, score, kind in pieces]
        self.byte_fallback, self.dummy_prefix, self.trim = byte_fallback, dummy_prefix, trim
        self.ids = {text: i for i, (text, _, kind) in enumerate(self.pieces) if kind in (NORMAL, USER_DEFINED)}
        self.all_ids = {text: i for i, (text, _, _) in enumerate(self.pieces)}
        self.unknown = next(i for i, piece in enumerate(self.pieces) if piece[2] == UNKNOWN)
        self.user_defined = sorted((t for t, _, kind in self.pieces if kind == USER_DEFINED), key=len, reverse=True)
        self.special = [text for text, _, kind in self.pieces if kind in (CONTROL, UNKNOWN)]

    def encode(self, text):
        if self.trim:
            text = re.sub(" +", " ", text.strip(" "))
        if not text:
            return []
        symbols = self.split(((" " if self.dummy_prefix else "") + text).replace(" ", SPACE))
        while True:
            best = None
            for i in range(len(symbols) - 1):
                (a, frozen_a), (b, frozen_b) = symbols[i], symbols[i + 1]
                if frozen_a or frozen_b or a + b not in self.ids:
                    continue
                score = self.pieces[self.ids[a + b]][1]
                if best is None or score > best[0]:
                    best = (score, i)
            if best is None:
                return self.numbers(symbols)
            i = best[1]
            symbols[i : i + 2] = [(symbols[i][0] + symbols[i + 1][0], False)]

    def split(self, text):
        symbols = []
        while text:
            whole = next((piece for piece in self.user_defined if text.startswith(piece)), None)
            symbols.append((whole or text[0], whole is not None))
            text = text[len(whole or text[0]) :]
        return symbols

    def numbers(self, symbols):
        ids = []
        unknown_before = False
        for text, _ in symbols:
            known = text in self.ids
            if known:
                ids.append(self.ids[text])
            elif self.byte_fallback:
                ids.extend(self.all_ids["<0x%02X>" % byte] for byte in text.encode())
            elif not unknown_before:
                ids.append(self.unknown)
            unknown_before = not known
        return ids

    def encode_prompt(self, text, begin="<s>"):
        """Special tokens count, and every stretch between them is encoded by itself."""
        ids = []
        for part in re.split("(" + "|".join(map(re.escape, self.special)) + ")", text):
            ids.extend([self.all_ids[part]] if part in self.special else self.encode(part))
        first = self.all_ids[begin]
        return ids if ids[:1] == [first] else [first, *ids]

    def decode(self, ids):
        out, leading = b"", self.dummy_prefix or self.trim
        for i in ids:
            text, _, kind = self.pieces[i]
            if kind == BYTE:
                out += bytes([int(text[3:5], 16)])
            elif kind in (NORMAL, USER_DEFINED):
                plain = text.replace(SPACE, " ")
                if leading and not out and plain.startswith(" "):
                    plain, leading = plain[1:], self.trim
                out += plain.encode()
        return out.decode()

    def serialise(self):
        def varint(value):
            out = b""
            while value > 0x7F:
                out += bytes([value & 0x7F | 0x80])
                value >>= 7
            return out + bytes([value])

        def block(number, content):
            return varint(number << 3 | 2) + varint(len(content)) + content

        def number(field, value):
            return varint(field << 3) + varint(value & (1 << 64) - 1)

        out = b""
        for text, score, kind in self.pieces:
            content = block(1, text.encode()) + varint(2 << 3 | 5) + struct.pack("<f", score)
            out += block(1, content + (b"" if kind == NORMAL else number(3, kind)))
        trainer = number(3, 2) + number(4, len(self.pieces)) + number(35, int(self.byte_fallback)) + number(43, -1)
        normalizer = block(1, b"identity") + block(2, b"") + number(3, int(self.dummy_prefix)) + number(4, int(self.trim))
        return out + block(2, trainer) + block(3, normalizer)


def random_pieces(rng, corpus, count, byte_fallback=True, user_defined=(), ties=False):
    """Characters of the corpus and random joins of what already stands side by side in it."""
    pieces = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
    pieces += [(text, 0.0, USER_DEFINED) for text in user_defined]
    if byte_fallback:
        pieces += [("<0x%02X>" % byte, 0.0, BYTE) for byte in range(256)]
    lines = [list((" " + line).replace(" ", SPACE)) for line in corpus]
    seen = {text for text, _, _ in pieces}
    joined = []
    while len(joined) < count:
        line = lines[rng.integers(len(lines))]
        if len(line) < 2:
            continue
        i = int(rng.integers(len(line) - 1))
        text = line[i] + line[i + 1]
        if len(text) > 12:
            continue
        for other in lines:
            j = 0
            while j < len(other) - 1:
                if other[j] + other[j + 1] == text:
                    other[j : j + 2] = [text]
                j += 1
        if text not in seen:
            seen.add(text)
            joined.append(text)
    characters = sorted({c for line in corpus for c in line.replace(" ", SPACE)} | {SPACE})
    known = [c for c in characters if c not in seen and (c.isascii() or c == SPACE or rng.random() < 0.5)]
    scores = [-float(i // 4 if ties else i) for i in range(len(joined) + len(known))]
    pieces += [(text, score, NORMAL) for text, score in zip(joined + known, scores)]
    return pieces
