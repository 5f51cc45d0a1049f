"""A tiny random Video-LLaVA checkpoint (`-hf` layout, temporal tower), its configs, and its expected outputs."""
import numpy as np

import guide
import reference
from cases import Decoder, answer, make_frames, normalise, single
from checkpoint import Drawn, lean, round_as_stored
from clip_tokenizer import GuideWords
from tensors import Tensors
from tokenizers import SPECIAL, Bpe, WordLevel

EXTENSION = 4
PROCESSOR = {"image_processor_type": "VideoLlavaImageProcessor", "processor_class": "VideoLlavaProcessor"}
# A window that leaves the last of 16 frames out.
POOLING = (3, 2, 2)

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
    "guide": "the tensors of prompt-guided pooling, with 77 text positions to be stretched; its cases instead of the others",
}


def make_config(rng, variants, tokenizer):
    temporal = "per-frame" not in variants
    vision = dict(
        model_type="clip_vision_model", hidden_size=32, intermediate_size=64, num_hidden_layers=3,
        num_attention_heads=2, patch_size=8, image_size=32 if "guide" in variants else 16, projection_dim=16, layer_norm_eps=1e-5,
        hidden_act="gelu" if "gelu" in variants else "quick_gelu", add_time_attn=temporal,
        **({"num_frames": 4 if "four-frames" in variants else 8} if temporal else {}),
    )
    scaling = None
    if "rope-linear" in variants:
        scaling = {"type": "linear", "factor": 2.0}
    if "rope-llama3" in variants:
        scaling = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    vision = variants.vision(vision)
    text = dict(
        model_type="llama", hidden_size=64, intermediate_size=112, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2 if "gqa" in variants else 4, head_dim=24 if "head-dim" in variants else 16,
        max_position_embeddings=512 if variants.values or "guide" in variants else 128, rms_norm_eps=1e-5, rope_theta=10000.0, rope_scaling=scaling,
        vocab_size=max(tokenizer.vocabulary.values()) + 4, hidden_act="silu", tie_word_embeddings="tied" in variants,
        attention_bias=False, mlp_bias=False,
        bos_token_id=tokenizer.vocabulary["<s>"], eos_token_id=tokenizer.vocabulary["</s>"],
    )
    text = variants.text(text, max(tokenizer.vocabulary.values()))
    return dict(
        model_type="video_llava", architectures=["VideoLlavaForConditionalGeneration"], ignore_index=-100,
        image_token_index=tokenizer.vocabulary["<image>"], video_token_index=tokenizer.vocabulary["<video>"],
        pad_token_id=tokenizer.vocabulary["<pad>"], projector_hidden_act=variants.value("projector-act", "gelu"),
        tie_word_embeddings="tied" in variants, torch_dtype="float32",
        vision_feature_layer=variants.value("feature-layer", -1 if "last-layer" in variants else -2),
        vision_feature_select_strategy=variants.value("select", "default"),
        vision_config=vision, text_config=text,
    )


def published(config, variants):
    """The config as a file: without what equals the library's default, unless the variant asks for all of it."""
    text = config["text_config"]
    config = {**config, "text_config": dict(text)}
    config.pop("clip", None)
    out = config if "full" in variants else left_out(config)
    variants.spell(out, text, out["text_config"])
    return out


def left_out(config):
    """Without what equals the library's defaults."""
    text = config["text_config"]
    heads = text["num_attention_heads"]
    return lean(config, {
        "": dict(ignore_index=-100, projector_hidden_act="gelu", vision_feature_layer=-2, vision_feature_select_strategy="default", tie_word_embeddings=False),
        "vision_config": dict(layer_norm_eps=1e-5, hidden_act="quick_gelu", add_time_attn=False),
        "text_config": dict(
            rope_theta=10000.0, rope_scaling=None, hidden_act="silu", tie_word_embeddings=False, attention_bias=False, mlp_bias=False,
            num_key_value_heads=heads, head_dim=text["hidden_size"] / heads,
        ),
    })


def make_tensors(rng, config, variants, reserved):
    """Random tensors by the names of the `-hf` checkpoint; ids in `reserved` never win."""
    made = Tensors(rng)
    v, t = config["vision_config"], config["text_config"]
    outer, tower, text, head = variants.prefixes("video_tower")
    made.clip_tower(tower, v, v["add_time_attn"])
    if "image-tower" in variants:
        made.clip_tower(tower.replace("video_tower", "image_tower"), v)
    made.projector(outer + "multi_modal_projector.", v["hidden_size"], t["hidden_size"])
    made.llama(text, head, t, reserved)
    if "guide" in variants:
        made.all.update(guide.make_tensors(rng, config["clip"], v["hidden_size"], outer + "multi_modal_projector.", False))
    return made.all, outer, tower, text, head


class VideoLlava:
    """The reference model over one drawn checkpoint; features keep the class token."""

    class_token = True

    def __init__(self, config, tensors, outer, tower, text, head):
        self.config = config
        weights = reference.Weights(tensors)
        self.tower = weights.at(tower)
        self.projector = weights.at(outer + "multi_modal_projector.")
        self.decoder = Decoder(config, tensors, text, head)

    def encode(self, pixels, clips):
        """Features in time order: each clip through the tower on its own, frames back to their places."""
        features = None
        for clip in clips:
            part = reference.encode_clip(self.tower, pixels[clip], self.config["vision_config"], self.config["vision_feature_layer"])
            features = np.empty((len(pixels), *part.shape[1:])) if features is None else features
            features[clip] = part
        return features

    def look(self, rng, clips):
        """Pictures of so many clips through tower and projector: features, projected, arrays; all in time order."""
        vision = self.config["vision_config"]
        slots = vision.get("num_frames", 1)
        count = clips * (slots if slots > 1 else 8)
        frames = make_frames(rng, count, vision["image_size"])
        pixels = normalise(frames)
        features = self.encode(pixels, [list(range(j, count, count // slots)) for j in range(count // slots)])
        projected = reference.project(self.projector, features, self.config["projector_hidden_act"])
        return features, projected, dict(frames_u8=frames, pixel_values=single(pixels), vision_features=single(features), projected=single(projected))


def run_case(rng, model, tokenizer, kind):
    """One case's arrays and facts; None where a greedy choice is too close to call."""
    text = model.config["text_config"]
    _, projected, arrays = model.look(rng, EXTENSION if kind == "intp" else 1)
    words = [str(word) for word in rng.choice(tokenizer.words, 4)]
    question = f"what is the {words[0]} {words[1]} in {words[2]}, {words[3]}?"
    prompt = f"USER: <video>\n{question} ASSISTANT:"
    head_dim, theta = text["head_dim"], text["rope_theta"]
    if kind == "intp":
        inv_freq = reference.inverse_frequencies(theta * EXTENSION ** (head_dim / (head_dim - 2)), head_dim)
    else:
        inv_freq = reference.inverse_frequencies(theta, head_dim, text["rope_scaling"])
    answered = answer(model.decoder, tokenizer, prompt, "<video>", projected.reshape(-1, projected.shape[-1]), inv_freq)
    if answered is None:
        return None
    facts = dict(kind=kind, frames=len(projected), placeholder="<video>", prompt=prompt, question=question, placeholder_id=tokenizer.vocabulary["<video>"])
    if kind == "intp" or text["rope_scaling"]:
        facts["inv_freq"] = [float(x) for x in inv_freq]
    if kind == "intp":
        facts["rope"] = {"type": "ntk", "factor": EXTENSION}
    return facts, {**arrays, **answered}


def draw(seed, variants):
    """One checkpoint with its cases, drawn again until every greedy choice is clear. Deterministic in the seed."""
    for attempt in range(1000):
        rng = np.random.Generator(np.random.PCG64([seed, attempt]))
        tokenizer = (Bpe if "bpe" in variants else WordLevel)(rng, 96, "anywhere" in variants)
        config, files = make_config(rng, variants, tokenizer), {}
        if "guide" in variants:
            words = GuideWords(rng, 80)
            while words.end == 2:  # Which by CLIP's historic rule means another token.
                words = GuideWords(rng, 80)
            config.update(clip=guide.clip_config(words, False), extend_clip=True)
            files = guide.files(config["clip"], words, {"default_pooling": "guided", "pooling_kernel": POOLING, "trained_length": 512})
        size = config["text_config"]["vocab_size"]
        special = {tokenizer.vocabulary[token] for token in SPECIAL}
        used = set(tokenizer.vocabulary.values()) - special
        reserved = [i for i in range(size) if i not in used]
        tensors, *names = make_tensors(rng, config, variants, reserved)
        dtype = variants.dtype("F16")
        model = VideoLlava(config, round_as_stored(tensors, dtype), *names)
        if "guide" in variants:
            cases = guide.cases(rng, model, words, tokenizer, POOLING, {"guide": 2, "video_long_question": 1}, "<video>")
        else:
            cases = {kind: run_case(rng, model, tokenizer, kind) for kind in ("video", "intp")}
        if all(cases.values()):
            return Drawn(rng, tokenizer, published(config, variants), tensors, dtype, cases, files)
    raise RuntimeError("no draw has clear greedy choices")
