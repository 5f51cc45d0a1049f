"""A tiny random LLaVA-NeXT checkpoint, its configs, and its expected outputs: still images in tiles, frames whole."""
import math
from fractions import Fraction

import numpy as np
from PIL import Image

import reference
from cases import Decoder, answer, make_frames, make_picture, normalise, single
from checkpoint import Drawn, round_as_stored
from tensors import Tensors
from tokenizers import SPECIAL, WordLevel

SIDE, PATCH = 20, 4
PINPOINTS = [[20, 40], [40, 20], [40, 40], [60, 20], [20, 60]]
PROCESSOR = {
    "image_processor_type": "LlavaNextImageProcessor", "processor_class": "LlavaNextProcessor", "do_pad": True,
    "aspect_ratio_setting": "anyres", "image_grid_pinpoints": PINPOINTS,
}
# Width and height: 2 x 2 tiles with rows of padding, 3 x 1 with rows of padding; and 2 x 2 with columns of padding.
PICTURES = {"wide": (73, 47), "tall": (29, 67)}
UPRIGHT = (43, 67)
FRAMES = 2

VARIANTS = {
    "mistral": "a Mistral text config: grouped heads, no sliding window; one other picture",
    "full": "the class token of the whole picture is kept",
    "prefixed": "names of newer exports: model.vision_tower.*, model.language_model.*, lm_head.weight",
    "bf16": "weights stored as BF16 (default F16)",
    "f32": "weights stored as F32 (default F16)",
    "shards": "three shards with an index",
    "unaligned": "tensor data at odd offsets",
    "anywhere": "special and placeholder ids anywhere in the vocabulary",
}


def make_config(variants, tokenizer):
    ids, mistral = tokenizer.vocabulary, "mistral" in variants
    vision = dict(
        model_type="clip_vision_model", hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=2,
        patch_size=PATCH, image_size=SIDE, projection_dim=32, layer_norm_eps=1e-5, hidden_act="quick_gelu", vocab_size=100,
    )
    text = dict(
        model_type="mistral" if mistral else "llama", hidden_size=32, intermediate_size=80, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1 if mistral else 2, head_dim=16, max_position_embeddings=512,
        rms_norm_eps=1e-5, rope_theta=1000000.0 if mistral else 10000.0, rope_scaling=None,
        vocab_size=max(ids.values()) + 4, hidden_act="silu", tie_word_embeddings=False, bos_token_id=ids["<s>"],
        eos_token_id=ids["</s>"], **({"sliding_window": None} if mistral else {}),
    )
    return dict(
        model_type="llava_next", architectures=["LlavaNextForConditionalGeneration"], image_grid_pinpoints=PINPOINTS,
        image_token_index=ids["<image>"], ignore_index=-100, projector_hidden_act="gelu", tie_word_embeddings=False,
        torch_dtype="float16", use_image_newline_parameter=True, vision_feature_layer=-2,
        vision_feature_select_strategy="full" if "full" in variants else "default", vision_config=vision, text_config=text,
    )


def published(config):
    """The config as a file: without what equals the library's defaults."""
    drop = {"": ("projector_hidden_act",), "vision_config": ("layer_norm_eps", "hidden_act"), "text_config": ("rope_scaling", "hidden_act", "head_dim")}
    lean = lambda part, names: {k: v for k, v in part.items() if k not in names}
    return {**lean(config, drop[""]), **{part: lean(config[part], drop[part]) for part in ("vision_config", "text_config")}}


def make_tensors(rng, config, variants, reserved):
    made = Tensors(rng)
    v, t = config["vision_config"], config["text_config"]
    outer, text, head = ("model.", "model.language_model.", "lm_head.weight") if "prefixed" in variants else ("", "language_model.model.", "language_model.lm_head.weight")
    tower, projector = outer + "vision_tower.vision_model.", outer + "multi_modal_projector."
    made.clip_tower(tower, v)
    made.projector(projector, v["hidden_size"], t["hidden_size"])
    made.llama(text, head, t, reserved)
    made.normal(outer + "image_newline", 0.25, t["hidden_size"])
    return made.all, tower, projector, text, head, outer + "image_newline"


def choose_resolution(width, height):
    """(height, width) that keeps most pixels of the picture and then has fewest others, in exact fractions."""
    def rank(pinpoint):
        rows, columns = pinpoint
        scale = min(Fraction(columns, width), Fraction(rows, height))
        kept = min(math.floor(width * scale) * math.floor(height * scale), width * height)
        return -kept, rows * columns - kept
    return min(PINPOINTS, key=rank)


def cut(picture):
    """uint8 [h, w, 3] -> uint8 [1 + tiles, SIDE, SIDE, 3] and the grid of tiles: the whole picture, then row by row."""
    height, width = picture.shape[:2]
    rows, columns = choose_resolution(width, height)
    scale = min(Fraction(columns, width), Fraction(rows, height))
    inner_width, inner_height = math.ceil(width * scale), math.ceil(height * scale)
    image = Image.fromarray(picture)
    canvas = Image.new("RGB", (columns, rows), (0, 0, 0))
    inner = image.resize((inner_width, inner_height), Image.BICUBIC)
    canvas.paste(inner, ((columns - inner_width) // 2, (rows - inner_height) // 2))
    crops = [image.resize((SIDE, SIDE), Image.BICUBIC)]
    for top in range(0, rows, SIDE):
        for left in range(0, columns, SIDE):
            crops.append(canvas.crop((left, top, left + SIDE, top + SIDE)))
    return np.stack([np.asarray(crop) for crop in crops]), (rows // SIDE, columns // SIDE)


def margins(width, height, rows, columns):
    """Rows and columns of patches to leave out on each side of a grid that a picture was fitted into."""
    if Fraction(width, height) > Fraction(columns, rows):
        return (rows - math.floor(Fraction(height * columns, width))) // 2, 0
    return 0, (columns - math.floor(Fraction(width * rows, height))) // 2


def pack(projected, tiles, width, height, newline):
    """[1 + tiles, P, D] -> [V, D]; token by token, so that it reads like the description."""
    side = SIDE // PATCH
    has_class = projected.shape[1] - side * side
    rows, columns = tiles[0] * side, tiles[1] * side
    down, across = margins(width, height, rows, columns)
    tokens = list(projected[0])
    for row in range(down, rows - down):
        for column in range(across, columns - across):
            tile = (row // side) * tiles[1] + column // side
            tokens.append(projected[1 + tile, has_class + (row % side) * side + column % side])
        tokens.append(newline)
    return np.array(tokens)


class LlavaNext:
    """The reference model over one drawn checkpoint."""

    def __init__(self, config, tensors, tower, projector, text, head, newline):
        self.config, self.newline = config, tensors[newline]
        self.tower, self.projector = reference.Weights(tensors, tower), reference.Weights(tensors, projector)
        self.decoder = Decoder(config, tensors, text, head)

    def see(self, crops):
        """uint8 [n, S, S, 3] -> projected, arrays."""
        config, pixels = self.config, normalise(crops)
        features = reference.encode_clip(self.tower, pixels, {**config["vision_config"], "add_time_attn": False}, config["vision_feature_layer"])
        if config["vision_feature_select_strategy"] == "default":
            features = features[:, 1:]
        projected = reference.project(self.projector, features, config["projector_hidden_act"])
        return projected, dict(pixel_values=single(pixels), vision_features=single(features), projected=single(projected))


def run_case(rng, model, tokenizer, size):
    """The facts and arrays of one picture of a size, or of a few frames; None where a choice is too close to call."""
    if size is None:
        frames = make_frames(rng, FRAMES, SIDE)
        projected, arrays = model.see(frames)
        visual = projected.reshape(-1, projected.shape[-1])
        del arrays["pixel_values"], arrays["projected"]  # Of frames as they are; and the same as the visual tokens.
    else:
        frames = make_picture(rng, *size)[None]
        crops, tiles = cut(frames[0])
        projected, arrays = model.see(crops)
        visual = pack(projected, tiles, *size, model.newline)
    words = [str(word) for word in rng.choice(tokenizer.words, 3)]
    question = f"what is the {words[0]} {words[1]} in the {words[2]}?"
    prompt = f"USER: <image>\n{question} ASSISTANT:"
    text = model.config["text_config"]
    answered = answer(model.decoder, tokenizer, prompt, "<image>", visual, reference.inverse_frequencies(text["rope_theta"], text["head_dim"]))
    facts = dict(kind="image" if size else "video", frames=len(frames), placeholder="<image>", prompt=prompt, question=question,
                 placeholder_id=tokenizer.vocabulary["<image>"], **({"width": size[0], "height": size[1], "tokens": len(visual)} if size else {}))
    return answered and (facts, dict(frames_u8=frames, **arrays, **answered))


def draw(seed, variants):
    """One checkpoint with its cases, drawn again until every greedy choice is clear. Deterministic in the seed."""
    sizes = {**({"upright": UPRIGHT} if "mistral" in variants else PICTURES), **({} if "mistral" in variants else {"video": None})}
    for attempt in range(1000):
        rng = np.random.Generator(np.random.PCG64([seed, attempt]))
        tokenizer = WordLevel(rng, 96, "anywhere" in variants)
        config = make_config(variants, tokenizer)
        used = set(tokenizer.vocabulary.values()) - {tokenizer.vocabulary[token] for token in SPECIAL}
        reserved = [i for i in range(config["text_config"]["vocab_size"]) if i not in used]
        tensors, *names = make_tensors(rng, config, variants, reserved)
        dtype = "F32" if "f32" in variants else "BF16" if "bf16" in variants else "F16"
        model = LlavaNext(config, round_as_stored(tensors, dtype), *names)
        cases = {}
        for name, size in sizes.items():
            cases[name] = run_case(rng, model, tokenizer, size)
            if not cases[name]:
                break
        else:
            return Drawn(rng, tokenizer, published(config), tensors, dtype, cases, {})
    raise RuntimeError("no draw has clear greedy choices")
