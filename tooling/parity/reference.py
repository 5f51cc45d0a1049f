"""Video-LLaVA with a temporal tower, in NumPy float64: the independent reference of the parity folders.

Written from the published descriptions; shares no code with the packages that it checks. Plain loops over heads
and no cache, so that each line can be read against a formula.
"""
import math

import numpy as np

_erf = np.vectorize(math.erf, otypes=[np.float64])


def activation(name, x):
    if name == "quick_gelu":
        return x / (1 + np.exp(-1.702 * x))
    if name == "gelu":
        return 0.5 * x * (1 + _erf(x / math.sqrt(2)))
    if name == "gelu_pytorch_tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    if name == "silu":
        return x / (1 + np.exp(-x))
    raise ValueError(name)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class Weights:
    """Tensors by name under a prefix."""

    def __init__(self, tensors, prefix=""):
        self.tensors, self.prefix = tensors, prefix

    def at(self, prefix):
        return Weights(self.tensors, self.prefix + prefix)

    def __getitem__(self, name):
        return self.tensors[self.prefix + name]

    def get(self, name):
        return self.tensors.get(self.prefix + name)

    def linear(self, name, x):
        bias = self.get(name + ".bias")
        y = x @ self[name + ".weight"].T
        return y if bias is None else y + bias

    def layer_norm(self, name, x, eps):
        mean = x.mean(axis=-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
        return (x - mean) / np.sqrt(variance + eps) * self[name + ".weight"] + self[name + ".bias"]

    def rms_norm(self, name, x, eps):
        return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps) * self[name + ".weight"]


def clip_attention(w, x, heads):
    """x [batch, n, width]: every position attends to all positions of its row."""
    q, k, v = (w.linear(name, x) for name in ("q_proj", "k_proj", "v_proj"))
    size = x.shape[-1] // heads
    out = np.empty_like(x)
    for h in range(heads):
        part = slice(h * size, (h + 1) * size)
        scores = q[..., part] @ k[..., part].swapaxes(1, 2) / math.sqrt(size)
        out[..., part] = softmax(scores) @ v[..., part]
    return w.linear("out_proj", out)


def vision_layer(w, x, config):
    """One tower layer on a clip x [frames, tokens, width]; over time first where the tower has it."""
    eps, heads = config["layer_norm_eps"], config["num_attention_heads"]
    if config["add_time_attn"]:
        x = x + w["temporal_embedding"][0][:, None, :]
        over_time = w.layer_norm("temporal_layer_norm1", x, eps).swapaxes(0, 1)
        x = x + clip_attention(w.at("temporal_attn."), over_time, heads).swapaxes(0, 1)
    x = x + clip_attention(w.at("self_attn."), w.layer_norm("layer_norm1", x, eps), heads)
    hidden = activation(config["hidden_act"], w.linear("mlp.fc1", w.layer_norm("layer_norm2", x, eps)))
    return x + w.linear("mlp.fc2", hidden)


def encode_clip(w, pixels, config, feature_layer):
    """pixels [frames, 3, S, S] -> [frames, 1 + patches, width], the hidden state that the layer index names."""
    frames, _, side, _ = pixels.shape
    patch, grid = config["patch_size"], side // config["patch_size"]
    kernel = w["embeddings.patch_embedding.weight"].reshape(config["hidden_size"], -1)
    # What fills no patch is left out, as a convolution without padding does.
    cut = pixels[:, :, : grid * patch, : grid * patch]
    patches = cut.reshape(frames, 3, grid, patch, grid, patch).transpose(0, 2, 4, 1, 3, 5)
    tokens = patches.reshape(frames, grid * grid, -1) @ kernel.T
    first = np.broadcast_to(w["embeddings.class_embedding"], (frames, 1, config["hidden_size"]))
    x = np.concatenate([first, tokens], axis=1) + w["embeddings.position_embedding.weight"]
    states = [w.layer_norm("pre_layrnorm", x, config["layer_norm_eps"])]
    for i in range(config["num_hidden_layers"]):
        states.append(vision_layer(w.at(f"encoder.layers.{i}."), states[-1], config))
    return states[feature_layer]


def project(w, features, act):
    return w.linear("linear_2", activation(act, w.linear("linear_1", features)))


def inverse_frequencies(theta, head_dim, scaling=None):
    """RoPE frequencies [head_dim / 2]; scaling None, linear or llama3 as configs name them."""
    inv = theta ** (-np.arange(0, head_dim, 2, dtype=np.float64) / head_dim)
    if scaling is None:
        return inv
    kind, factor = scaling.get("rope_type", scaling.get("type")), scaling["factor"]
    if kind == "linear":
        return inv / factor
    if kind == "llama3":
        original = scaling["original_max_position_embeddings"]
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
        turns = original * inv / (2 * math.pi)
        blend = np.clip((turns - low) / (high - low), 0, 1)
        return (1 - blend) * inv / factor + blend * inv
    raise ValueError(kind)


def rotate(x, inv_freq):
    """x [n, head_dim], position = row: pairs are (i, i + head_dim / 2)."""
    angle = np.arange(len(x))[:, None] * inv_freq
    cos, sin = np.cos(angle), np.sin(angle)
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def decoder_attention(w, x, config, inv_freq):
    heads, kv_heads, size = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
    q, k, v = (w.linear(name, x) for name in ("q_proj", "k_proj", "v_proj"))
    mask = np.triu(np.full((len(x), len(x)), -np.inf), 1)
    out = np.empty_like(q)
    for h in range(heads):
        shared = h // (heads // kv_heads)
        own, other = slice(h * size, (h + 1) * size), slice(shared * size, (shared + 1) * size)
        scores = rotate(q[:, own], inv_freq) @ rotate(k[:, other], inv_freq).T / math.sqrt(size)
        out[:, own] = softmax(scores + mask) @ v[:, other]
    return w.linear("o_proj", out)


def decode(w, head, x, config, inv_freq):
    """Embeddings x [n, hidden] -> logits [n, vocabulary] at every position."""
    eps = config["rms_norm_eps"]
    for i in range(config["num_hidden_layers"]):
        layer = w.at(f"layers.{i}.")
        x = x + decoder_attention(layer.at("self_attn."), layer.rms_norm("input_layernorm", x, eps), config, inv_freq)
        normed = layer.rms_norm("post_attention_layernorm", x, eps)
        mlp = layer.at("mlp.")
        gated = activation("silu", mlp.linear("gate_proj", normed)) * mlp.linear("up_proj", normed)
        x = x + mlp.linear("down_proj", gated)
    return w.rms_norm("norm", x, eps) @ head.T
