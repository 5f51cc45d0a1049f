"""A tiny random LLaVA-OneVision checkpoint (SigLIP, Qwen2), its configs, and its expected outputs."""
import math

import numpy as np

import reference
from byte_bpe import ByteBpe
from cases import Decoder, answer, make_frames, normalise, single
from checkpoint import Drawn, lean, round_as_stored
from tensors import Tensors

PROCESSOR = None
FRAMES = 6
HALF = [0.5, 0.5, 0.5]
TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + ' '}}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>' }}{% endfor %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'video') %}{{ '<video>' }}{% endfor %}"
    "{% if message['role'] != 'assistant' %}{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{{ '\n' + content['text'] }}{% endfor %}{% else %}{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{% generation %}{{ '\n' + content['text'] }}{% endgeneration %}{% endfor %}{% endif %}{{'<|im_end|>'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

VARIANTS = {
    "even": "a grid of 6 x 6 patches without a rest (default 7 x 7 of 44 pixels, of which 2 are left over)",
    "head-dim": "text head_dim is not hidden_size / heads",
    "untied": "a head of its own",
    "prefixed": "names of newer exports: model.vision_tower.*, model.language_model.*, lm_head.weight",
    "head": "the pooling head and the last norm of SigLIP, which no video passes through",
    "full": "configs that state the library's defaults too",
    "f32": "weights stored as F32 (default BF16)",
    "shards": "three shards with an index",
    "unaligned": "tensor data at odd offsets",
    "anywhere": "special and placeholder ids anywhere in the vocabulary",
}


def make_config(variants, tokenizer):
    ids = tokenizer.vocabulary
    vision = dict(
        model_type="siglip_vision_model", hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=2,
        patch_size=6, image_size=36 if "even" in variants else 44, layer_norm_eps=1e-6, hidden_act="gelu_pytorch_tanh",
        num_channels=3, attention_dropout=0.0, vision_use_head="head" in variants,
    )
    vision = variants.vision(vision)
    text = dict(
        model_type="qwen2", architectures=["Qwen2ForCausalLM"], hidden_size=64, intermediate_size=112, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=24 if "head-dim" in variants else 16, max_position_embeddings=32768,
        rms_norm_eps=1e-6, rope_theta=1000000.0, rope_scaling=None, vocab_size=max(ids.values()) + 8, hidden_act="silu",
        tie_word_embeddings="untied" not in variants, attention_dropout=0.0, use_sliding_window=False, sliding_window=32768,
        max_window_layers=2, bos_token_id=ids["<|endoftext|>"], eos_token_id=ids["<|im_end|>"],
    )
    text = variants.text(text, max(ids.values()))
    return dict(
        model_type="llava_onevision", architectures=["LlavaOnevisionForConditionalGeneration"], ignore_index=-100,
        image_grid_pinpoints=[[44, 44], [44, 88]], image_token_index=ids["<image>"], video_token_index=ids["<video>"],
        projector_hidden_act=variants.value("projector-act", "gelu"), tie_word_embeddings=False, torch_dtype="bfloat16", use_image_newline_parameter=True,
        vision_aspect_ratio="anyres_max_9", vision_feature_layer=variants.value("feature-layer", -1), vision_feature_select_strategy="full",
        vision_config=vision, text_config=text,
    )


def published(config, variants):
    """The config as a file: without what equals the library's default, unless the variant asks for all of it."""
    text = config["text_config"]
    config = {**config, "text_config": dict(text)}
    out = config if "full" in variants else left_out(config)
    variants.spell(out, text, out["text_config"])
    return out


def left_out(config):
    """Without what equals the library's defaults."""
    text = config["text_config"]
    natural = text["hidden_size"] / text["num_attention_heads"]
    return lean(config, {
        "": dict(ignore_index=-100, projector_hidden_act="gelu", vision_feature_layer=-1, vision_feature_select_strategy="full"),
        "vision_config": dict(layer_norm_eps=1e-6, hidden_act="gelu_pytorch_tanh", num_channels=3, attention_dropout=0.0),
        "text_config": dict(
            max_position_embeddings=32768, rms_norm_eps=1e-6, rope_scaling=None, hidden_act="silu", attention_dropout=0.0, head_dim=natural
        ),
    })


def files(config, tokenizer):
    ids, side = tokenizer.vocabulary, config["vision_config"]["image_size"]
    pixels = {
        "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": HALF, "image_std": HALF,
        "processor_class": "LlavaOnevisionProcessor", "resample": 3, "rescale_factor": 0.00392156862745098,
        "size": {"height": side, "width": side},
    }
    return {
        "preprocessor_config.json": {**pixels, "image_processor_type": "SiglipImageProcessor"},
        "generation_config.json": {"bos_token_id": ids["<|endoftext|>"], "eos_token_id": [ids["<|im_end|>"], ids["<|endoftext|>"]]},
        "tokenizer_config.json": {
            "add_prefix_space": False, "bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "unk_token": None,
            "tokenizer_class": "Qwen2Tokenizer", "model_max_length": 32768, "clean_up_tokenization_spaces": False,
        },
        "chat_template.json": {"chat_template": TEMPLATE},
    }


def make_tensors(rng, config, variants, reserved):
    made = Tensors(rng)
    v, t = config["vision_config"], config["text_config"]
    outer, tower, text, head = variants.prefixes("vision_tower")
    projector = outer + "multi_modal_projector."
    width, patch = v["hidden_size"], v["patch_size"]
    made.normal(tower + "embeddings.patch_embedding.weight", 3**-0.5 / patch, width, 3, patch, patch)
    made.normal(tower + "embeddings.patch_embedding.bias", 0.3, width)
    made.normal(tower + "embeddings.position_embedding.weight", 0.5, (v["image_size"] // patch) ** 2, width)
    for i in range(v["num_hidden_layers"]):
        layer = f"{tower}encoder.layers.{i}."
        made.norm(layer + "layer_norm1", width, True)
        made.norm(layer + "layer_norm2", width, True)
        made.attention(layer + "self_attn", width)
        made.linear(layer + "mlp.fc1", v["intermediate_size"], width, True)
        made.linear(layer + "mlp.fc2", width, v["intermediate_size"], True)
    made.norm(tower + "post_layernorm", width, True)
    if v["vision_use_head"]:
        made.normal(tower + "head.probe", 1, 1, 1, width)
        made.normal(tower + "head.attention.in_proj_weight", 0.2, 3 * width, width)
        made.normal(tower + "head.attention.in_proj_bias", 0.2, 3 * width)
        made.linear(tower + "head.attention.out_proj", width, width, True)
        made.norm(tower + "head.layernorm", width, True)
        made.linear(tower + "head.mlp.fc1", v["intermediate_size"], width, True)
        made.linear(tower + "head.mlp.fc2", width, v["intermediate_size"], True)
    made.projector(projector, width, t["hidden_size"])
    made.llama(text, head, t, reserved)
    for i in range(t["num_hidden_layers"]):
        for name, heads in (("q", "num_attention_heads"), ("k", "num_key_value_heads"), ("v", "num_key_value_heads")):
            made.normal(f"{text}layers.{i}.self_attn.{name}_proj.bias", 0.3, t[heads] * t["head_dim"])
    made.normal(outer + "image_newline", 0.25, t["hidden_size"])
    return made.all, tower, projector, text, head, outer + "image_newline"


def encode(w, pixels, config, feature_layer):
    """pixels [frames, 3, S, S] -> [frames, patches, width]; what fills no patch is left out."""
    frames, patch = len(pixels), config["patch_size"]
    grid = config["image_size"] // patch
    cut = pixels[:, :, : grid * patch, : grid * patch]
    patches = cut.reshape(frames, 3, grid, patch, grid, patch).transpose(0, 2, 4, 1, 3, 5).reshape(frames, grid * grid, -1)
    kernel = w["embeddings.patch_embedding.weight"].reshape(config["hidden_size"], -1)
    x = patches @ kernel.T + w["embeddings.patch_embedding.bias"] + w["embeddings.position_embedding.weight"]
    states = [x]
    for i in range(config["num_hidden_layers"]):
        states.append(reference.vision_layer(w.at(f"encoder.layers.{i}."), states[-1], {**config, "add_time_attn": False}))
    return states[feature_layer]


def corners(size, goal):
    """For each new cell along one axis: the two old ones around its centre, and the share of the second."""
    for i in range(goal):
        centre = max(size / goal * (i + 0.5) - 0.5, 0.0)
        low = math.floor(centre)
        yield low, min(low + 1, size - 1), centre - low


def halve(tokens):
    """[frames, n x n, width] -> [frames, m x m, width], m = ceil(n / 2): bilinear, cell by cell."""
    frames, count, width = tokens.shape
    side = math.isqrt(count)
    goal, square = -(-side // 2), tokens.reshape(frames, side, side, width)
    out = np.empty((frames, goal, goal, width))
    for y, (top, bottom, down) in enumerate(corners(side, goal)):
        for x, (left, right, across) in enumerate(corners(side, goal)):
            upper = square[:, top, left] * (1 - across) + square[:, top, right] * across
            lower = square[:, bottom, left] * (1 - across) + square[:, bottom, right] * across
            out[:, y, x] = upper * (1 - down) + lower * down
    return out.reshape(frames, goal * goal, width)


def run_case(rng, config, tensors, tokenizer, names):
    """The case's arrays and facts; None where a greedy choice is too close to call."""
    tower, projector, text, head, newline = names
    vision, decoder = config["vision_config"], Decoder(config, tensors, text, head)
    frames = make_frames(rng, FRAMES, vision["image_size"])
    pixels = normalise(frames, HALF, HALF)
    features = encode(reference.Weights(tensors, tower), pixels, vision, config["vision_feature_layer"])
    projected = reference.project(reference.Weights(tensors, projector), features, config["projector_hidden_act"])
    pooled = halve(projected)
    visual = np.concatenate([pooled.reshape(-1, pooled.shape[-1]), tensors[newline][None]])
    words = [str(word) for word in rng.choice(tokenizer.words, 4)]
    question = f"what is the {words[0]} {words[1]} in {words[2]}'s 12 {words[3]}?"
    prompt = f"<|im_start|>user <video>\n{question}<|im_end|><|im_start|>assistant\n"
    inv_freq = reference.inverse_frequencies(config["text_config"]["rope_theta"], config["text_config"]["head_dim"], config["text_config"]["rope_scaling"])
    answered = answer(decoder, tokenizer, prompt, "<video>", visual, inv_freq)
    if answered is None:
        return None
    facts = dict(kind="video", frames=FRAMES, placeholder="<video>", prompt=prompt, question=question, placeholder_id=tokenizer.vocabulary["<video>"])
    arrays = dict(frames_u8=frames, pixel_values=single(pixels), vision_features=single(features), projected=single(projected), pooled=single(pooled))
    return facts, {**arrays, **answered}


def draw(seed, variants):
    """One checkpoint with its case, drawn again until every greedy choice is clear. Deterministic in the seed."""
    for attempt in range(1000):
        rng = np.random.Generator(np.random.PCG64([seed, attempt]))
        tokenizer = ByteBpe(rng, "anywhere" in variants)
        config = make_config(variants, tokenizer)
        used = set(tokenizer.vocabulary.values()) - {tokenizer.vocabulary[token] for token in tokenizer.special}
        reserved = [i for i in range(config["text_config"]["vocab_size"]) if i not in used]
        tensors, *names = make_tensors(rng, config, variants, reserved)
        dtype = variants.dtype("BF16")
        case = run_case(rng, config, round_as_stored(tensors, dtype), tokenizer, names)
        if case:
            return Drawn(rng, tokenizer, published(config, variants), tensors, dtype, {"video": case}, files(config, tokenizer))
    raise RuntimeError("no draw has clear greedy choices")
