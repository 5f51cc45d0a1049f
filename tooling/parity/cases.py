"""What the families' cases have in common: pictures, the prompt around visual tokens, and greedy answers."""
import numpy as np

import reference

MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]
GREEDY_TOKENS = 16
MARGIN = 0.01


class Decoder:
    """The decoder of one drawn checkpoint."""

    def __init__(self, config, tensors, model, head):
        self.config = config["text_config"]
        self.weights = reference.Weights(tensors, model)
        self.embeddings = self.weights["embed_tokens.weight"]
        self.head = self.embeddings if self.config["tie_word_embeddings"] else tensors[head]

    def logits(self, embeddings, inv_freq):
        return reference.decode(self.weights, self.head, embeddings, self.config, inv_freq)

    def greedy(self, embeddings, inv_freq, count):
        """Tokens, and the smallest margin between the first and the second choice."""
        tokens, margin = [], np.inf
        for _ in range(count):
            last = self.logits(embeddings, inv_freq)[-1]
            second, first = np.sort(last)[-2:]
            margin = min(margin, first - second)
            tokens.append(int(last.argmax()))
            embeddings = np.concatenate([embeddings, self.embeddings[tokens[-1:]]])
        return tokens, margin


def single(x):
    return np.asarray(x).astype(np.float32)


def make_frames(rng, count, side):
    """Frames that differ in place and time: a random picture, drifting, with noise."""
    base = rng.integers(0, 256, (side, side, 3))
    drift = rng.integers(-6, 7, (1, 1, 3))
    noise = rng.integers(-40, 41, (count, side, side, 3))
    steps = np.arange(count)[:, None, None, None] * drift + np.stack([np.roll(base, i, axis=1) for i in range(count)])
    return ((steps + noise) % 256).astype(np.uint8)


def make_picture(rng, width, height):
    """uint8 [h, w, 3]: a gradient with noise and hard edges, so that resizing overshoots."""
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([x * 255 / (width - 1), y * 255 / (height - 1), ((x // 7 + y // 5) % 2) * 255], -1)
    return np.clip(base + rng.normal(0, 40, base.shape), 0, 255).astype(np.uint8)


def normalise(frames, mean=MEAN, std=STD):
    """uint8 [F, S, S, 3] -> pixel values [F, 3, S, S]."""
    return (frames.transpose(0, 3, 1, 2) / 255.0 - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))


def answer(decoder, tokenizer, prompt, placeholder, visual, inv_freq):
    """The arrays from the prompt to the answer; None where a greedy choice is too close to call."""
    prompt_ids, place = tokenizer.encode(prompt), tokenizer.vocabulary[placeholder]
    at = prompt_ids.index(place)
    input_ids = prompt_ids[:at] + [place] * len(visual) + prompt_ids[at + 1 :]
    embeddings = decoder.embeddings[input_ids].copy()
    embeddings[at : at + len(visual)] = visual
    greedy, margin = decoder.greedy(embeddings, inv_freq, GREEDY_TOKENS)
    if margin <= MARGIN or any(token in [tokenizer.vocabulary[s] for s in tokenizer.special] for token in greedy):
        return None
    return dict(
        visual_tokens=single(visual), prompt_ids=np.array(prompt_ids, np.int64), input_ids=np.array(input_ids, np.int64),
        logits=single(decoder.logits(embeddings, inv_freq)), greedy=np.array(greedy, np.int64),
    )
