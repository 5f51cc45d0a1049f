"""A tiny random Video-LLaVA in the original's layout: LlavaLlamaForCausalLM, towers inside, `tokenizer.model` only."""
import numpy as np

import reference
import video_llava
from cases import answer
from checkpoint import Drawn, round_as_stored, write_json
from sentence_piece import NORMAL, SentencePieceModel, random_pieces

SYSTEM = "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions."
WORDS = "red blue door opens person first second man walks box".split()
IMAGE_INDEX = -200
PROCESSOR = {}
VARIANTS = {
    "gqa": "fewer key/value heads than heads",
    "rope-linear": "rope_scaling linear, in the older spelling",
    "f32": "weights stored as F32 (default F16)",
    "bf16": "weights stored as BF16 (default F16)",
    "shards": "three shards with an index",
    "unaligned": "tensor data at odd offsets",
    "image-tower": "the image tower that video never uses",
    "no-tower-config": "without video_tower/config.json: sizes follow from the tensors",
}
RENAMED = [
    ("video_tower.vision_model.", "model.video_tower.video_tower."),
    ("image_tower.vision_model.", "model.image_tower.image_tower."),
    ("multi_modal_projector.linear_1", "model.mm_projector.0"),
    ("multi_modal_projector.linear_2", "model.mm_projector.2"),
    ("language_model.model.", "model."),
    ("language_model.lm_head", "lm_head"),
]


class Llama:
    """The tokenizer as the original uses it: each text between two `<image>` is encoded by itself."""

    special = ["<unk>", "<s>", "</s>"]

    def __init__(self, rng):
        corpus = [SYSTEM, "USER: what is the in, ? ASSISTANT:", *WORDS, *(f"the {word}" for word in WORDS)]
        self.model = SentencePieceModel(random_pieces(rng, corpus, 90))
        self.words = WORDS
        self.vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2, "<pad>": 0, "<image>": IMAGE_INDEX, "<video>": IMAGE_INDEX}

    def encode(self, text):
        first, *rest = text.split("<image>")
        ids = self.model.encode_prompt(first)
        for part in rest:
            ids += [IMAGE_INDEX, *self.model.encode_prompt(part)[1:]]
        return ids


def make_config(variants, size):
    vision = dict(
        model_type="clip_vision_model", hidden_size=128, intermediate_size=64, num_hidden_layers=3, num_attention_heads=2,
        patch_size=8, image_size=16, projection_dim=16, layer_norm_eps=1e-5, hidden_act="gelu", add_time_attn=True, num_frames=8,
    )
    vision = variants.vision(vision)
    vision["num_attention_heads"] = vision["hidden_size"] // 64
    text = dict(
        hidden_size=64, intermediate_size=112, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2 if "gqa" in variants else 4, head_dim=16, max_position_embeddings=512, rms_norm_eps=1e-5,
        rope_theta=10000.0, rope_scaling={"type": "linear", "factor": 2.0} if "rope-linear" in variants else None,
        vocab_size=size, tie_word_embeddings=False,
    )
    text = variants.text(text, size - 1)
    return dict(vision_config=vision, text_config=text, vision_feature_layer=variants.value("feature-layer", -2), projector_hidden_act="gelu")


def published(config, variants):
    """The Llama fields stand at the top; what equals a default of the library may be absent."""
    text = dict(config["text_config"])
    if text["head_dim"] * text["num_attention_heads"] == text["hidden_size"]:
        del text["head_dim"]
    for name in ("rope_theta", "tie_word_embeddings"):
        del text[name]
    variants.spell({}, config["text_config"], text)
    return dict(
        architectures=["LlavaLlamaForCausalLM"], model_type="llava", bos_token_id=1, eos_token_id=2, pad_token_id=0,
        freeze_mm_mlp_adapter=False, hidden_act="silu", image_aspect_ratio="pad", initializer_range=0.02, max_length=4096,
        mm_hidden_size=config["vision_config"]["hidden_size"], mm_image_tower="LanguageBind/LanguageBind_Image",
        mm_projector_type="mlp2x_gelu", mm_use_im_patch_token=False, mm_use_im_start_end=False,
        mm_video_tower="LanguageBind/LanguageBind_Video_merge", mm_vision_select_feature="patch", mm_vision_select_layer=config["vision_feature_layer"],
        pretraining_tp=1, torch_dtype="float16", tune_mm_mlp_adapter=False, use_cache=True, use_mm_proj=True, **text,
    )


def run_case(rng, model, tokenizer, kind):
    """One case's arrays and facts; None where a greedy choice is too close to call."""
    text, extension = model.config["text_config"], video_llava.EXTENSION
    _, projected, arrays = model.look(rng, extension if kind == "intp" else 1)
    words = [str(word) for word in rng.choice(tokenizer.words, 3)]
    question = f"what is the {words[0]} {words[1]} in {words[2]}?"
    prompt = f"{SYSTEM} USER: <image>\n{question} ASSISTANT:"
    size, theta = text["head_dim"], text["rope_theta"]
    if kind == "intp":
        inv_freq = reference.inverse_frequencies(theta * extension ** (size / (size - 2)), size)
    else:
        inv_freq = reference.inverse_frequencies(theta, size, text["rope_scaling"])
    answered = answer(model.decoder, tokenizer, prompt, "<image>", projected.reshape(-1, projected.shape[-1]), inv_freq)
    if answered is None:
        return None
    facts = dict(kind=kind, frames=len(projected), placeholder="<image>", prompt=prompt, question=question, placeholder_id=IMAGE_INDEX)
    if kind == "intp":
        facts.update(inv_freq=[float(x) for x in inv_freq], rope={"type": "ntk", "factor": extension})
    return facts, {**arrays, **answered}


def draw(seed, variants):
    """One checkpoint with its cases, drawn again until every greedy choice is clear. Deterministic in the seed."""
    for attempt in range(1000):
        rng = np.random.Generator(np.random.PCG64([seed, attempt]))
        tokenizer = Llama(rng)
        config = make_config(variants, len(tokenizer.model.pieces))
        pieces = tokenizer.model.pieces
        reserved = [i for i in range(config["text_config"]["vocab_size"]) if i >= len(pieces) or pieces[i][2] != NORMAL]
        tensors, *names = video_llava.make_tensors(rng, config, variants, reserved)
        dtype = variants.dtype("F16")
        # What a mixed checkpoint stores a tensor as goes by its name in the file.
        stored = round_as_stored({rename(name): value for name, value in tensors.items()}, dtype)
        model = video_llava.VideoLlava(config, {name: stored[rename(name)] for name in tensors}, *names)
        cases = {kind: run_case(rng, model, tokenizer, kind) for kind in ("video", "intp")}
        if all(cases.values()):
            tower = {"video_tower/config.json": {"model_type": "LanguageBindVideo", "vision_config": config["vision_config"]}}
            files = {} if "no-tower-config" in variants else tower
            return Drawn(rng, tokenizer, published(config, variants), {rename(name): value for name, value in tensors.items()}, dtype, cases, files)
    raise RuntimeError("no draw has clear greedy choices")


def rename(name):
    for old, new in RENAMED:
        if name.startswith(old):
            return new + name[len(old) :]
    raise ValueError(name)


def write_configs(folder, drawn, _processor):
    write_json(folder / "config.json", drawn.config)
    write_json(folder / "generation_config.json", {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0})
    (folder / "tokenizer.model").write_bytes(drawn.tokenizer.model.serialise())
    write_json(folder / "tokenizer_config.json", {"add_bos_token": True, "add_eos_token": False, "bos_token": "<s>", "eos_token": "</s>", "legacy": False, "tokenizer_class": "LlamaTokenizer", "unk_token": "<unk>"})
    for name, content in drawn.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        write_json(folder / name, content)
