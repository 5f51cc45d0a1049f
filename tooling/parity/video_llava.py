"""A tiny random Video-LLaVA checkpoint (`-hf` layout, temporal tower), its configs, and its expected outputs."""
import numpy as np

import reference
from checkpoint import round_as_stored
from tokenizers import SPECIAL, Bpe, WordLevel

MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]
EXTENSION = 4
GREEDY_TOKENS = 16
MARGIN = 0.01

VARIANTS = {
    "head-dim": "text head_dim is not hidden_size / heads",
    "gqa": "fewer key/value heads than heads",
    "rope-linear": "rope_scaling linear, in the older spelling",
    "rope-llama3": "rope_scaling llama3",
    "tied": "the head is the embedding table",
    "prefixed": "names of newer exports: model.video_tower.*, model.language_model.*, lm_head.weight",
    "f32": "weights stored as F32 (default F16)",
    "bf16": "weights stored as BF16 (default F16)",
    "shards": "three shards with an index",
    "unaligned": "tensor data at odd offsets",
    "anywhere": "special and placeholder ids anywhere in the vocabulary",
    "bpe": "BPE tokenizer with byte fallback (default WordLevel)",
    "full": "configs that state the library's defaults too",
    "gelu": "vision hidden_act gelu (default quick_gelu, unstated)",
    "last-layer": "vision_feature_layer -1 (default -2)",
    "per-frame": "no temporal attention, as the published conversion",
    "four-frames": "num_frames 4 (default 8)",
    "image-tower": "an image tower that video never uses",
}


def make_config(rng, variants, tokenizer):
    temporal = "per-frame" not in variants
    vision = dict(
        model_type="clip_vision_model", hidden_size=32, intermediate_size=64, num_hidden_layers=3,
        num_attention_heads=2, patch_size=8, image_size=16, projection_dim=16, layer_norm_eps=1e-5,
        hidden_act="gelu" if "gelu" in variants else "quick_gelu", add_time_attn=temporal,
        **({"num_frames": 4 if "four-frames" in variants else 8} if temporal else {}),
    )
    scaling = None
    if "rope-linear" in variants:
        scaling = {"type": "linear", "factor": 2.0}
    if "rope-llama3" in variants:
        scaling = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    text = dict(
        model_type="llama", hidden_size=64, intermediate_size=112, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2 if "gqa" in variants else 4, head_dim=24 if "head-dim" in variants else 16,
        max_position_embeddings=128, rms_norm_eps=1e-5, rope_theta=10000.0, rope_scaling=scaling,
        vocab_size=max(tokenizer.vocabulary.values()) + 4, hidden_act="silu", tie_word_embeddings="tied" in variants,
        attention_bias=False, mlp_bias=False,
        bos_token_id=tokenizer.vocabulary["<s>"], eos_token_id=tokenizer.vocabulary["</s>"],
    )
    return dict(
        model_type="video_llava", architectures=["VideoLlavaForConditionalGeneration"], ignore_index=-100,
        image_token_index=tokenizer.vocabulary["<image>"], video_token_index=tokenizer.vocabulary["<video>"],
        pad_token_id=tokenizer.vocabulary["<pad>"], projector_hidden_act="gelu",
        tie_word_embeddings="tied" in variants, torch_dtype="float32",
        vision_feature_layer=-1 if "last-layer" in variants else -2, vision_feature_select_strategy="default",
        vision_config=vision, text_config=text,
    )


def published(config, variants):
    """The config as a file: without what equals the library's default, unless the variant asks for all of it."""
    if "full" in variants:
        return config
    defaults = {
        "": dict(ignore_index=-100, projector_hidden_act="gelu", vision_feature_layer=-2, vision_feature_select_strategy="default", tie_word_embeddings=False),
        "vision_config": dict(layer_norm_eps=1e-5, hidden_act="quick_gelu", add_time_attn=False),
        "text_config": dict(rope_theta=10000.0, rope_scaling=None, hidden_act="silu", tie_word_embeddings=False, attention_bias=False, mlp_bias=False),
    }
    text = config["text_config"]
    defaults["text_config"]["num_key_value_heads"] = text["num_attention_heads"]
    defaults["text_config"]["head_dim"] = text["hidden_size"] // text["num_attention_heads"]
    lean = lambda part, known: {k: v for k, v in part.items() if k not in known or known[k] != v}
    out = lean(config, defaults[""])
    for part in ("vision_config", "text_config"):
        out[part] = lean(config[part], defaults[part])
    return out


def make_tensors(rng, config, variants, reserved):
    """Random tensors by the names of the `-hf` checkpoint; ids in `reserved` never win."""
    tensors = {}

    def linear(name, rows, columns, bias):
        tensors[name + ".weight"] = rng.normal(0, columns**-0.5, (rows, columns))
        if bias:
            tensors[name + ".bias"] = rng.normal(0, 0.1, rows)

    def norm(name, width, bias):
        tensors[name + ".weight"] = 1 + rng.normal(0, 0.1, width)
        if bias:
            tensors[name + ".bias"] = rng.normal(0, 0.1, width)

    def tower(prefix, v, temporal):
        width, patch = v["hidden_size"], v["patch_size"]
        tensors[prefix + "embeddings.class_embedding"] = rng.normal(0, 1, width)
        tensors[prefix + "embeddings.patch_embedding.weight"] = rng.normal(0, 3**-0.5 / patch, (width, 3, patch, patch))
        positions = (v["image_size"] // patch) ** 2 + 1
        tensors[prefix + "embeddings.position_embedding.weight"] = rng.normal(0, 0.5, (positions, width))
        norm(prefix + "pre_layrnorm", width, True)
        norm(prefix + "post_layernorm", width, True)
        for i in range(v["num_hidden_layers"]):
            layer = f"{prefix}encoder.layers.{i}."
            for name in ("layer_norm1", "layer_norm2") + (("temporal_layer_norm1",) if temporal else ()):
                norm(layer + name, width, True)
            for name in ("self_attn",) + (("temporal_attn",) if temporal else ()):
                for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                    linear(f"{layer}{name}.{part}", width, width, True)
            linear(layer + "mlp.fc1", v["intermediate_size"], width, True)
            linear(layer + "mlp.fc2", width, v["intermediate_size"], True)
            if temporal:
                tensors[layer + "temporal_embedding"] = rng.normal(0, 0.5, (1, v["num_frames"], width))

    v, t = config["vision_config"], config["text_config"]
    prefixed = "prefixed" in variants
    outer, text, head = ("model.", "model.language_model.", "lm_head") if prefixed else ("", "language_model.model.", "language_model.lm_head")
    tower(outer + "video_tower.vision_model.", v, v["add_time_attn"])
    if "image-tower" in variants:
        tower(outer + "image_tower.vision_model.", v, False)
    hidden, kv = t["hidden_size"], t["num_key_value_heads"] * t["head_dim"]
    linear(outer + "multi_modal_projector.linear_1", hidden, v["hidden_size"], True)
    linear(outer + "multi_modal_projector.linear_2", hidden, hidden, True)
    scale = 0.25
    tensors[text + "embed_tokens.weight"] = rng.normal(0, scale, (t["vocab_size"], hidden))
    for i in range(t["num_hidden_layers"]):
        layer = f"{text}layers.{i}."
        norm(layer + "input_layernorm", hidden, False)
        norm(layer + "post_attention_layernorm", hidden, False)
        inner = t["num_attention_heads"] * t["head_dim"]
        for name, rows, columns in (("q_proj", inner, hidden), ("k_proj", kv, hidden), ("v_proj", kv, hidden), ("o_proj", hidden, inner)):
            linear(layer + "self_attn." + name, rows, columns, False)
        for name, rows, columns in (("gate_proj", t["intermediate_size"], hidden), ("up_proj", t["intermediate_size"], hidden), ("down_proj", hidden, t["intermediate_size"])):
            linear(layer + "mlp." + name, rows, columns, False)
    norm(text + "norm", hidden, False)
    if t["tie_word_embeddings"]:
        tensors[text + "embed_tokens.weight"][reserved] = 0
    else:
        tensors[head + ".weight"] = rng.normal(0, scale, (t["vocab_size"], hidden))
        tensors[head + ".weight"][reserved] = 0
    return tensors, outer, text, head


class VideoLlava:
    """The reference model over one drawn checkpoint."""

    def __init__(self, config, tensors, outer, text, head):
        self.config = config
        weights = reference.Weights(tensors)
        self.tower = weights.at(outer + "video_tower.vision_model.")
        self.projector = weights.at(outer + "multi_modal_projector.")
        self.text = weights.at(text)
        self.embeddings = self.text["embed_tokens.weight"]
        self.head = self.embeddings if config["text_config"]["tie_word_embeddings"] else tensors[head + ".weight"]

    def encode(self, pixels, clips):
        """Features in time order: each clip through the tower on its own, frames back to their places."""
        features = None
        for clip in clips:
            part = reference.encode_clip(self.tower, pixels[clip], self.config["vision_config"], self.config["vision_feature_layer"])
            features = np.empty((len(pixels), *part.shape[1:])) if features is None else features
            features[clip] = part
        return features

    def logits(self, embeddings, inv_freq):
        return reference.decode(self.text, self.head, embeddings, self.config["text_config"], inv_freq)

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


def make_frames(rng, count, side):
    """Frames that differ in place and time: a random picture, drifting, with noise."""
    base = rng.integers(0, 256, (side, side, 3))
    drift = rng.integers(-6, 7, (1, 1, 3))
    noise = rng.integers(-40, 41, (count, side, side, 3))
    steps = np.arange(count)[:, None, None, None] * drift + np.stack([np.roll(base, i, axis=1) for i in range(count)])
    return ((steps + noise) % 256).astype(np.uint8)


def run_case(rng, model, tokenizer, kind):
    """One case's arrays and facts; None where a greedy choice is too close to call."""
    vision, text = model.config["vision_config"], model.config["text_config"]
    slots = vision.get("num_frames", 1)
    groups = EXTENSION if kind == "intp" else 1
    count = groups * (slots if slots > 1 else 8)
    clips = [list(range(j, count, count // slots)) for j in range(count // slots)]
    frames = make_frames(rng, count, vision["image_size"])
    pixels = (frames.transpose(0, 3, 1, 2) / 255.0 - np.reshape(MEAN, (3, 1, 1))) / np.reshape(STD, (3, 1, 1))
    words = [str(word) for word in rng.choice(tokenizer.words, 4)]
    question = f"what is the {words[0]} {words[1]} in {words[2]}, {words[3]}?"
    prompt = f"USER: <video>\n{question} ASSISTANT:"
    head_dim, theta = text["head_dim"], text["rope_theta"]
    if kind == "intp":
        inv_freq = reference.inverse_frequencies(theta * EXTENSION ** (head_dim / (head_dim - 2)), head_dim)
    else:
        inv_freq = reference.inverse_frequencies(theta, head_dim, text["rope_scaling"])
    features = model.encode(pixels, clips)
    projected = reference.project(model.projector, features, model.config["projector_hidden_act"])
    visual = projected.reshape(-1, projected.shape[-1])
    prompt_ids, placeholder = tokenizer.encode(prompt), tokenizer.vocabulary["<video>"]
    at = prompt_ids.index(placeholder)
    input_ids = prompt_ids[:at] + [placeholder] * len(visual) + prompt_ids[at + 1 :]
    embeddings = model.embeddings[input_ids].copy()
    embeddings[at : at + len(visual)] = visual
    greedy, margin = model.greedy(embeddings, inv_freq, GREEDY_TOKENS)
    if margin <= MARGIN or any(token in [tokenizer.vocabulary[s] for s in SPECIAL] for token in greedy):
        return None
    single = lambda x: x.astype(np.float32)
    arrays = dict(
        frames_u8=frames, pixel_values=single(pixels), vision_features=single(features), projected=single(projected),
        visual_tokens=single(visual), prompt_ids=np.array(prompt_ids, np.int64), input_ids=np.array(input_ids, np.int64),
        logits=single(model.logits(embeddings, inv_freq)), greedy=np.array(greedy, np.int64),
    )
    facts = dict(kind=kind, frames=count, placeholder="<video>", prompt=prompt, question=question, placeholder_id=placeholder)
    if kind == "intp" or text["rope_scaling"]:
        facts["inv_freq"] = [float(x) for x in inv_freq]
    if kind == "intp":
        facts["rope"] = {"type": "ntk", "factor": EXTENSION}
    return facts, arrays


def draw(seed, variants):
    """One checkpoint with its cases, drawn again until every greedy choice is clear. Deterministic in the seed."""
    for attempt in range(1000):
        rng = np.random.Generator(np.random.PCG64([seed, attempt]))
        tokenizer = (Bpe if "bpe" in variants else WordLevel)(rng, 96, "anywhere" in variants)
        config = make_config(rng, variants, tokenizer)
        size = config["text_config"]["vocab_size"]
        special = {tokenizer.vocabulary[token] for token in SPECIAL}
        used = set(tokenizer.vocabulary.values()) - special
        reserved = [i for i in range(size) if i not in used]
        tensors, *names = make_tensors(rng, config, variants, reserved)
        dtype = "F32" if "f32" in variants else "BF16" if "bf16" in variants else "F16"
        model = VideoLlava(config, round_as_stored(tensors, dtype), *names)
        cases = {kind: run_case(rng, model, tokenizer, kind) for kind in ("video", "intp")}
        if all(cases.values()):
            return rng, tokenizer, config, tensors, dtype, cases
    raise RuntimeError("no draw has clear greedy choices")
