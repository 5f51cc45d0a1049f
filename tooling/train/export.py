#!/usr/bin/env python3
"""Last step of the recipe: writes encoder, guide and decoder as one Hugging Face folder (float16 safetensors)."""
import argparse
import json
from pathlib import Path

import torch

from longtake_train.clips import MEAN, STD
from longtake_train.guide import stretch
from longtake_train.loading import load_eyes, load_guide, load_words
from longtake_train.pooling import TEMPERATURE
from longtake_train.safetensors import save_safetensors
from longtake_train.text_stage import LOOKING_LAYER
from longtake_train.vocabulary import BOS, EOS, PAD, VIDEO, VOCABULARY, save_tokenizer

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--eyes", type=Path, default=Path("work/aligned.pt"))
parser.add_argument("--guide", type=Path, default=Path("work/guide.pt"))
parser.add_argument("--words", type=Path, default=Path("work/balanced.pt"))
parser.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "packages/tiny/checkpoint")
parser.add_argument("--trained-length", type=int, default=128, help="longest context seen in training, tokens")
parser.add_argument("--frames", type=int, default=32, help="frames the model answers best with")
parser.add_argument("--rope", default="yarn", help="extension the model answers best with")
parser.add_argument("--token-budget", type=int, default=64, help="visual tokens that the model answers best with")
args = parser.parse_args()

model, guide = load_eyes(args.eyes), load_guide(args.guide)
model.language_model = load_words(args.words)
vision, text = model.vision_config, model.text_config

CONFIG = {
    "architectures": ["VideoLlavaForConditionalGeneration"],
    "model_type": "video_llava",
    "image_token_index": VIDEO,
    "video_token_index": VIDEO,
    "projector_hidden_act": "gelu",
    "vision_feature_layer": -1,
    "vision_feature_select_strategy": "full",
    "tie_word_embeddings": False,
    "torch_dtype": "float16",
    "text_config": {
        "model_type": "llama", "vocab_size": text.vocab_size, "hidden_size": text.hidden_size,
        "num_hidden_layers": text.num_hidden_layers, "num_attention_heads": text.num_attention_heads,
        "num_key_value_heads": text.num_attention_heads, "head_dim": text.head_dim,
        "intermediate_size": text.intermediate_size, "rope_theta": text.rope_theta,
        "rms_norm_eps": text.rms_norm_eps, "max_position_embeddings": args.trained_length, "hidden_act": "silu",
        "bos_token_id": BOS, "eos_token_id": EOS, "pad_token_id": PAD,
    },
    "vision_config": {
        "model_type": "clip_vision_model", "hidden_size": vision.hidden_size,
        "num_hidden_layers": vision.num_hidden_layers, "num_attention_heads": vision.num_attention_heads,
        "intermediate_size": vision.intermediate_size, "image_size": vision.image_size,
        "patch_size": vision.patch_size, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
        "add_time_attn": True, "num_frames": vision.num_frames,
    },
}
PREPROCESSOR = {
    "image_processor_type": "VideoLlavaImageProcessor", "processor_class": "VideoLlavaProcessor",
    "do_resize": True, "size": {"shortest_edge": vision.image_size}, "resample": 3,
    "do_center_crop": True, "crop_size": {"height": vision.image_size, "width": vision.image_size},
    "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": MEAN, "image_std": STD,
    "do_convert_rgb": True,
}
TOKENIZER = {"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": True, "add_eos_token": False, "bos_token": "<s>",
             "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "model_max_length": args.trained_length}
GENERATION = {"bos_token_id": BOS, "eos_token_id": EOS, "pad_token_id": PAD}
LONGTAKE = {
    "evidence_layer": LOOKING_LAYER, "trained_length": args.trained_length, "default_frames": args.frames, "default_rope": args.rope,
    "default_pooling": "guided", "default_token_budget": args.token_budget, "most_frames": 1024,
    "pooling_kernel": [1, 2, 2], "image_pooling_kernel": [1, 2, 2], "pooling_temperature": TEMPERATURE,
}
CLIP = {
    "model_type": "clip", "projection_dim": guide.config.projection_dim,
    "text_config": {
        "model_type": "clip_text_model", "vocab_size": guide.config.vocab_size, "hidden_size": guide.config.hidden_size,
        "num_hidden_layers": guide.config.num_hidden_layers, "num_attention_heads": guide.config.num_attention_heads,
        "intermediate_size": guide.config.intermediate_size, "max_position_embeddings": 248,
        "projection_dim": guide.config.projection_dim, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
        "bos_token_id": BOS, "eos_token_id": EOS, "pad_token_id": PAD,
    },
}




def guide_tensors() -> dict[str, torch.Tensor]:
    """With the position rows stretched, as PPLLaVA's checkpoints keep them: twice, and without `.weight`."""
    tensors = {f"multi_modal_projector.{name}": tensor for name, tensor in guide.state_dict().items()}
    positions = "multi_modal_projector.clip_text_model.embeddings.position_embedding"
    stretched = stretch(tensors.pop(f"{positions}.weight"))
    return {**tensors, positions: stretched, f"{positions}_res": stretched}


def write_json(folder: Path, files: dict[str, dict]) -> None:
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n")


clip = args.out / "clip"
clip.mkdir(parents=True, exist_ok=True)
tensors = dict(sorted((model.state_dict() | guide_tensors()).items()))
save_safetensors(args.out / "model.safetensors", tensors)
save_tokenizer(args.out)
save_tokenizer(clip, text_end=True)
write_json(args.out, {"config.json": CONFIG, "preprocessor_config.json": PREPROCESSOR, "tokenizer_config.json": TOKENIZER,
                      "generation_config.json": GENERATION, "longtake.json": LONGTAKE})
write_json(clip, {"config.json": CLIP})
print(f"{sum(t.numel() for t in tensors.values()):,} parameters in {args.out}")
