"""Prompt-guided pooling in NumPy float64: the guide's text tower, alignment, pooling, and random tensors for them.

Written from the published descriptions; shares no code with the packages that it checks.
"""
import math

import numpy as np

import reference
from cases import answer, single

TEMPERATURE = 0.01
KEPT_POSITIONS, STRETCH = 20, 4


def stretch(table):
    """77 positions become 248: the first 20 stay, the others lie 4 apart, and the end goes on as it came."""
    last = len(table) - 1
    rows = []
    for p in range(STRETCH * len(table) - (STRETCH - 1) * KEPT_POSITIONS):
        at = p if p < KEPT_POSITIONS else KEPT_POSITIONS + (p - KEPT_POSITIONS) / STRETCH
        low = min(math.floor(at), last)
        if low < last:
            rows.append(table[low] + (at - low) * (table[low + 1] - table[low]))
        else:
            rows.append(table[last] + (at - last) * (table[last] - table[last - 1]))
    return np.array(rows)


def positions(w, config):
    """The text tower's position table as the checkpoint means it."""
    kept, stretched = w.get("embeddings.position_embedding"), w.get("embeddings.position_embedding_res")
    if kept is not None:
        return np.concatenate([kept[:KEPT_POSITIONS], stretched[KEPT_POSITIONS:]])
    table = w["embeddings.position_embedding.weight"]
    return stretch(table) if config.get("extend_clip") else table


def text_embedding(w, config, ids, end):
    """ids of one text -> [A], of length 1: the state at the end-of-text token, projected."""
    text = config["clip"]["text_config"]
    model, eps = w.at("clip_text_model."), text["layer_norm_eps"]
    x = model["embeddings.token_embedding.weight"][ids] + positions(model, config)[: len(ids)]
    mask = np.triu(np.full((len(ids), len(ids)), -np.inf), 1)
    size = text["hidden_size"] // text["num_attention_heads"]
    for i in range(text["num_hidden_layers"]):
        layer = model.at(f"encoder.layers.{i}.")
        normed, heads = layer.layer_norm("layer_norm1", x, eps), []
        q, k, v = (layer.linear(f"self_attn.{name}_proj", normed) for name in "qkv")
        for h in range(text["num_attention_heads"]):
            part = slice(h * size, (h + 1) * size)
            heads.append(reference.softmax(q[:, part] @ k[:, part].T / math.sqrt(size) + mask) @ v[:, part])
        x = x + layer.linear("self_attn.out_proj", np.concatenate(heads, axis=-1))
        hidden = reference.activation(text["hidden_act"], layer.linear("mlp.fc1", layer.layer_norm("layer_norm2", x, eps)))
        x = x + layer.linear("mlp.fc2", hidden)
    pooled = w.linear("clip_text_projection", model.layer_norm("final_layer_norm", x, eps)[end])
    return pooled / np.linalg.norm(pooled)


def alignment(w, features, text, grid):
    """Patch features [F, P, Dv] -> cosines and weights, both [F, H, W]; weights over all of them add up to 1."""
    v = w.linear("clip_visual_projection", w.layer_norm("clip_visual_ln", features, 1e-5))
    cosine = (v / np.linalg.norm(v, axis=-1, keepdims=True)) @ text
    weights = reference.softmax(np.exp(w["logit_scale"]) * cosine.reshape(-1))
    shape = (len(features), *grid)
    return cosine.reshape(shape), weights.reshape(shape)


def pool(projected, weights, kernel, stride):
    """Projected patches [F, P, D] and weights [F, H, W] -> [windows, D], over time, rows, columns."""
    volume = projected.reshape(*weights.shape, projected.shape[-1])
    counts = [(size - k) // s + 1 for size, k, s in zip(weights.shape, kernel, stride)]
    pooled = []
    for t, h, w in np.ndindex(*counts):
        window = tuple(slice(i * s, i * s + k) for i, k, s in zip((t, h, w), kernel, stride))
        share = reference.softmax(weights[window].reshape(-1) / TEMPERATURE)
        pooled.append(share @ volume[window].reshape(len(share), -1))
    return np.array(pooled)


def clip_config(tokenizer, historic):
    """What `clip/config.json` says; a historic config has end token 2 whatever the vocabulary is, and no other may."""
    return {
        "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": 32, "logit_scale_init_value": 2.6592,
        "text_config": {
            "model_type": "clip_text_model", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 1,
            "max_position_embeddings": 77, "vocab_size": max(tokenizer.vocabulary.values()) + 1, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
            "projection_dim": 32, "bos_token_id": 0 if historic else tokenizer.start, "eos_token_id": 2 if historic else tokenizer.end,
        },
        "vision_config": {"model_type": "clip_vision_model"},
    }


def lean(clip):
    """The config as a file: heads and what equals the library's defaults are left out."""
    drop = {"num_attention_heads", "hidden_act", "layer_norm_eps", "max_position_embeddings"}
    return {**clip, "text_config": {k: v for k, v in clip["text_config"].items() if k not in drop}}


def make_tensors(rng, clip, vision_width, prefix, extended):
    """Random tensors under the projector's prefix; both extended tables are whole and differ everywhere."""
    text, tensors = clip["text_config"], {}
    width, model = text["hidden_size"], prefix + "clip_text_model."

    def linear(name, rows, columns, bias=True):
        tensors[name + ".weight"] = rng.normal(0, columns**-0.5, (rows, columns))
        if bias:
            tensors[name + ".bias"] = rng.normal(0, 0.1, rows)

    def norm(name, size):
        tensors[name + ".weight"] = 1 + rng.normal(0, 0.1, size)
        tensors[name + ".bias"] = rng.normal(0, 0.1, size)

    tensors[model + "embeddings.token_embedding.weight"] = rng.normal(0, 1, (text["vocab_size"], width))
    if extended:
        rows = STRETCH * 77 - (STRETCH - 1) * KEPT_POSITIONS
        for name in ("position_embedding", "position_embedding_res"):
            tensors[f"{model}embeddings.{name}"] = rng.normal(0, 1, (rows, width))
    else:
        tensors[model + "embeddings.position_embedding.weight"] = rng.normal(0, 1, (77, width))
    for i in range(text["num_hidden_layers"]):
        layer = f"{model}encoder.layers.{i}."
        norm(layer + "layer_norm1", width)
        norm(layer + "layer_norm2", width)
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            linear(f"{layer}self_attn.{name}", width, width)
        linear(layer + "mlp.fc1", text["intermediate_size"], width)
        linear(layer + "mlp.fc2", width, text["intermediate_size"])
    norm(model + "final_layer_norm", width)
    linear(prefix + "clip_text_projection", clip["projection_dim"], width, False)
    norm(prefix + "clip_visual_ln", vision_width)
    linear(prefix + "clip_visual_projection", clip["projection_dim"], vision_width, False)
    tensors[prefix + "logit_scale"] = np.array(math.log(8))
    return tensors


def files(clip, tokenizer, longtake=None):
    """The files beside a checkpoint's own, by name."""
    made = {"clip/config.json": lean(clip), "clip/tokenizer.json": tokenizer.json}
    return made if longtake is None else {**made, "longtake.json": longtake}


def end_index(config, ids, tokenizer):
    """Where the text is read: at the first end token, or by CLIP's historic rule at the largest id."""
    historic = config["clip"]["text_config"]["eos_token_id"] == 2
    return int(np.argmax(ids)) if historic else ids.index(tokenizer.end)


def make_question(rng, name, words, tokenizer):
    """A question in mixed case with signs of other scripts, or one of more than 77 tokens that fits into 248."""
    if name != "video_long_question":
        some = [str(word) for word in rng.choice(words, 3)]
        return f"What is the {some[0]}  {some[1].upper()} in {some[2]}, é 12 🎬?"
    while True:
        question = " ".join(str(word) for word in rng.choice(words, 90)) + "?"
        if 77 < len(tokenizer.encode(question)) <= 240:
            return question


def run_case(rng, model, name, words, tokenizer, kernel, amount, placeholder):
    """One case's facts and arrays; a long question has the guide's outputs only, an image a line break at its end."""
    is_image = name == "image"
    features, projected, arrays = model.look_at_image(rng) if is_image else model.look(rng, amount)
    kernel = (1, *kernel[1:]) if is_image else kernel
    question = make_question(rng, name, words.words, words)
    prompt = f"USER: {placeholder}\n{question} ASSISTANT:"
    ids = words.encode(question)
    text = text_embedding(model.projector, model.config, ids, end_index(model.config, ids, words))
    patches, side = slice(1 if model.class_token else 0, None), model.config["vision_config"]["image_size"] // model.config["vision_config"]["patch_size"]
    cosine, weights = alignment(model.projector, features[:, patches], text, (side, side))
    outputs = dict(text_embedding=single(text), alignment_cosine=single(cosine), alignment=single(weights))
    facts = dict(kind="image" if is_image else "guide", frames=len(features), placeholder=placeholder, prompt=prompt, question=question,
                 placeholder_id=tokenizer.vocabulary[placeholder], guide_ids=ids, kernel=list(kernel))
    if name == "video_long_question":
        return facts, dict(frames_u8=arrays["frames_u8"], **outputs)
    pooled = pool(projected[:, patches], weights, kernel, kernel)
    text_config = model.config["text_config"]
    inv_freq = reference.inverse_frequencies(text_config["rope_theta"], text_config["head_dim"], text_config["rope_scaling"])
    visual = np.concatenate([pooled, model.newline[None]]) if is_image else pooled
    answered = answer(model.decoder, tokenizer, prompt, placeholder, visual, inv_freq)
    if name == "groups":
        del arrays["pixel_values"]  # Of more pictures, and the other case has seen them.
    return answered and (facts, {**arrays, **outputs, "pooled": single(pooled), **answered})


def cases(rng, model, words, tokenizer, kernel, amounts, placeholder):
    """Cases by name, each of as many pictures as `amounts` says; None for one that is too close to call."""
    return {name: run_case(rng, model, name, words, tokenizer, kernel, amount, placeholder) for name, amount in amounts.items()}
