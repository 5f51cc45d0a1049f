"""A tiny random PPLLaVA checkpoint: LLaVA-NeXT's layout with the guide in its projector, and its expected outputs."""
import numpy as np
from PIL import Image

import guide
import reference
from cases import Decoder, answer, make_frames, make_picture, normalise, single
from checkpoint import Drawn, lean, round_as_stored
from clip_tokenizer import ClipBpe, clip_words
from tensors import Tensors
from tokenizers import SPECIAL, WordLevel

KERNEL = (2, 3, 3)
PROCESSOR = {
    "image_processor_type": "LlavaNextImageProcessor", "processor_class": "LlavaNextProcessor", "do_pad": True,
    "image_grid_pinpoints": [],
}

VARIANTS = {
    "btadapter": "the temporal branch beside the tower; needs PyTorch",
    "image": "a still picture of odd size instead of videos: windows of its own, and a line break at the end",
    "prefixed": "names of newer exports: model.vision_tower.*, model.language_model.*, lm_head.weight",
    "tied": "the head is the embedding table",
    "bf16": "weights stored as BF16 (default F16)",
    "f32": "weights stored as F32 (default F16)",
    "shards": "three shards with an index",
    "unaligned": "tensor data at odd offsets",
    "anywhere": "special and placeholder ids anywhere in the vocabulary",
    "next-video": "LLaVA-NeXT-Video: no guide, squares of patches made one before the projector; its case instead of the others",
    "plain": "LLaVA-NeXT itself: no guide, every patch a token; its case instead of the others",
}


def make_config(variants, tokenizer, words):
    adapter = "btadapter" in variants
    vision = dict(
        model_type="clip_vision_model", hidden_size=32, intermediate_size=64, num_hidden_layers=4 if adapter else 3,
        num_attention_heads=2, patch_size=6, image_size=36, projection_dim=32, layer_norm_eps=1e-5, hidden_act="quick_gelu",
        vocab_size=words.end + 1,
        # The original writes the branch's sizes here too.
        **({"depth": 3, "max_T": 8} if adapter else {}),
    )
    vision = variants.vision(vision)
    side = vision["image_size"] // vision["patch_size"]
    text = dict(
        model_type="llama", hidden_size=64, intermediate_size=112, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=4, head_dim=16, max_position_embeddings=512, rms_norm_eps=1e-5, rope_theta=10000.0,
        rope_scaling=None, vocab_size=max(tokenizer.vocabulary.values()) + 4, hidden_act="silu",
        tie_word_embeddings="tied" in variants, bos_token_id=tokenizer.vocabulary["<s>"], eos_token_id=tokenizer.vocabulary["</s>"],
    )
    text = variants.text(text, max(tokenizer.vocabulary.values()))
    guided = dict(
        architectures=["LlavaInterleaveForConditionalGeneration"], pooling="ppllava",
        clip_weight="openai/clip-vit-large-patch14-336", pooling_kernel=list(KERNEL), pooling_stride=list(KERNEL),
        image_pooling_kernel=[1, 3, 3], image_pooling_stride=[1, 3, 3], frame_shape=[side, side], pooling_temp=guide.TEMPERATURE,
        btadapter=adapter, btadapter_depth=3 if adapter else 4, max_T=8 if adapter else 64, extend_clip=True,
        clip_post_pretrain=None, qwen=False, valuew_plus=False,
    )
    plain = dict(architectures=["LlavaNextForConditionalGeneration"], btadapter=False)
    if "next-video" in variants:
        plain.update(
            architectures=["LlavaNextVideoForConditionalGeneration"], model_type="llava_next_video", spatial_pool_mode=variants.value("pool", "average"),
            spatial_pool_stride=variants.value("pool-stride", 2), spatial_pool_out_channels=1024, video_token_index=tokenizer.vocabulary["<video>"],
        )
        del plain["btadapter"]
    return {"model_type": "llava_next", **(plain if unguided(variants) else guided), **dict(
        image_grid_pinpoints=pinpoints(vision["image_size"]), image_token_index=tokenizer.vocabulary["<image>"],
        pad_token_id=0, projector_hidden_act=variants.value("projector-act", "gelu"), tie_word_embeddings="tied" in variants, torch_dtype="float16",
        use_image_newline_parameter=True, vision_feature_layer=variants.value("feature-layer", -2),
        vision_feature_select_strategy=variants.value("select", "default"),
        vision_config=vision, text_config=text, hidden_size=text["hidden_size"],
        clip=guide.clip_config(words, True),
    )}


def unguided(variants):
    return "plain" in variants or "next-video" in variants


def pinpoints(side):
    """Sizes of pictures in several tiles: multiples of the tower's, as published."""
    return [[side, 2 * side], [2 * side, side], [2 * side, 2 * side]]


def published(config, variants):
    """The config as a file: without what equals the library's defaults."""
    text = config["text_config"]
    natural = text["hidden_size"] / text["num_attention_heads"]
    out = lean({k: v for k, v in config.items() if k != "clip"}, {
        "": dict(projector_hidden_act="gelu"),
        "vision_config": dict(layer_norm_eps=1e-5, hidden_act="quick_gelu"),
        "text_config": dict(rope_theta=10000.0, rope_scaling=None, hidden_act="silu", head_dim=natural),
    })
    variants.spell(out, text, out["text_config"])
    return out


def make_tensors(rng, config, variants, reserved):
    made = Tensors(rng)
    v, t = config["vision_config"], config["text_config"]
    outer, tower, text, head = variants.prefixes("vision_tower")
    projector = outer + "multi_modal_projector."
    made.clip_tower(tower, v)
    if config.get("btadapter"):
        import bt_adapter
        made.all.update(bt_adapter.make_tensors(rng, v, config, tower))
    made.projector(projector, v["hidden_size"], t["hidden_size"])
    made.llama(text, head, t, reserved)
    made.normal(outer + "image_newline", 0.25, t["hidden_size"])
    if not unguided(variants):
        made.all.update(guide.make_tensors(rng, config["clip"], v["hidden_size"], projector, True))
    return made.all, tower, projector, text, head


def pool_squares(features, config):
    """Features [F, n x n, D] -> [F, m x m, D], square by square; unchanged without `spatial_pool_mode`."""
    if "spatial_pool_mode" not in config:
        return features
    frames, count, width = features.shape
    side, stride = int(round(count**0.5)), config["spatial_pool_stride"]
    goal, grid = side // stride, features.reshape(frames, side, side, width)
    pooled = np.empty((frames, goal, goal, width))
    for y, x in np.ndindex(goal, goal):
        square = grid[:, y * stride : (y + 1) * stride, x * stride : (x + 1) * stride].reshape(frames, -1, width)
        pooled[:, y, x] = square.mean(axis=1) if config["spatial_pool_mode"] == "average" else square.max(axis=1)
    return pooled.reshape(frames, goal * goal, width)


class PpLlava:
    """The reference model over one drawn checkpoint; features are without the class token unless it is selected."""

    def __init__(self, config, tensors, tower, projector, text, head):
        self.config = config
        self.class_token = config["vision_feature_select_strategy"] == "full"
        self.tower, self.projector = reference.Weights(tensors, tower), reference.Weights(tensors, projector)
        self.decoder = Decoder(config, tensors, text, head)
        self.newline = tensors[next(name for name in tensors if name.endswith("image_newline"))]
        if config.get("btadapter"):
            import bt_adapter
            self.branch = bt_adapter.Tower(tensors, tower, config["vision_config"], config)

    def encode(self, pixels):
        layer, first = self.config["vision_feature_layer"], 0 if self.class_token else 1
        if not self.config.get("btadapter"):
            return reference.encode_clip(self.tower, pixels, {**self.config["vision_config"], "add_time_attn": False}, layer)[:, first:]
        # As few clips as the time table allows, each spread over the whole video.
        clips = -(-len(pixels) // self.config["max_T"])
        features = [None] * len(pixels)
        for j in range(clips):
            features[j::clips] = self.branch.encode(pixels[j::clips], layer)[:, first:]
        return np.array(features)

    def look(self, rng, count):
        """So many pictures through tower and projector: features, projected, arrays."""
        frames = make_frames(rng, count, self.config["vision_config"]["image_size"])
        return self.see(frames, frames)

    def look_at_image(self, rng):
        """One picture of odd size, made a square as a whole."""
        side, picture = self.config["vision_config"]["image_size"], make_picture(rng, 71, 45)
        square = Image.fromarray(picture).resize((side, side), Image.BICUBIC)
        return self.see(picture[None], np.asarray(square)[None])

    def see(self, frames, squares):
        pixels = normalise(squares)
        features = pool_squares(self.encode(pixels), self.config)
        projected = reference.project(self.projector, features, self.config["projector_hidden_act"])
        return features, projected, dict(frames_u8=frames, pixel_values=single(pixels), vision_features=single(features), projected=single(projected))


def plain_case(rng, model, tokenizer, placeholder):
    """The arrays and facts of a video without pooling; None where a greedy choice is too close to call."""
    _, projected, arrays = model.look(rng, 5)
    words = [str(word) for word in rng.choice(tokenizer.words, 3)]
    question = f"what is the {words[0]} {words[1]} in {words[2]}?"
    prompt = f"USER: {placeholder}\n{question} ASSISTANT:"
    text = model.config["text_config"]
    inv_freq = reference.inverse_frequencies(text["rope_theta"], text["head_dim"], text["rope_scaling"])
    answered = answer(model.decoder, tokenizer, prompt, placeholder, projected.reshape(-1, projected.shape[-1]), inv_freq)
    facts = dict(kind="video", frames=len(projected), placeholder=placeholder, prompt=prompt, question=question, placeholder_id=tokenizer.vocabulary[placeholder])
    return answered and (facts, {**arrays, **answered})


def draw(seed, variants):
    """One checkpoint with its cases, drawn again until every greedy choice is clear. Deterministic in the seed."""
    amounts = {"guide": 6, "groups": 12, "video_long_question": 2} if "btadapter" in variants else {"guide": 8, "video_long_question": 2}
    amounts = {"image": 1} if "image" in variants else amounts
    for attempt in range(1000):
        rng = np.random.Generator(np.random.PCG64([seed, attempt]))
        tokenizer = WordLevel(rng, 96, "anywhere" in variants)
        words = ClipBpe(rng, clip_words(rng) + tokenizer.words[:16])
        words.words = tokenizer.words[:24]
        config = make_config(variants, tokenizer, words)
        used = set(tokenizer.vocabulary.values()) - {tokenizer.vocabulary[token] for token in SPECIAL}
        reserved = [i for i in range(config["text_config"]["vocab_size"]) if i not in used]
        tensors, *names = make_tensors(rng, config, variants, reserved)
        dtype = variants.dtype("F16")
        model = PpLlava(config, round_as_stored(tensors, dtype), *names)
        if unguided(variants):
            cases, files = {"video": plain_case(rng, model, tokenizer, "<video>" if "next-video" in variants else "<image>")}, {}
        else:
            cases = guide.cases(rng, model, words, tokenizer, KERNEL, amounts, "<image>")
            files = guide.files(config["clip"], words)
        if all(cases.values()):
            return Drawn(rng, tokenizer, published(config, variants), tensors, dtype, cases, files)
    raise RuntimeError("no draw has clear greedy choices")
