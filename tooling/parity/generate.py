"""Writes a parity folder: a tiny random checkpoint in the published layout, and what it must compute.

    /usr/bin/python3 tooling/parity/generate.py --family video_llava --seed 1 --out FOLDER [--variant NAME ...]

`--variant random` draws a mix of the others from the seed. Needs Python 3 and NumPy; nothing else.
"""
import argparse
import json
import shutil
from pathlib import Path

import numpy as np

import video_llava
from checkpoint import write_json, write_weights

EXCLUSIVE = [("rope-linear", "rope-llama3"), ("f32", "bf16")]


def choose_variants(names, seed):
    names = set(names)
    if "random" in names:
        names.remove("random")
        rng = np.random.default_rng([seed, 77])
        names |= {name for name in sorted(video_llava.VARIANTS) if rng.random() < 0.4}
        for first, second in EXCLUSIVE:
            if {first, second} <= names:
                names.remove(first)
    for first, second in EXCLUSIVE:
        if {first, second} <= names:
            raise SystemExit(f"--variant {first} and {second} exclude each other")
    return names


def write_expected(folder, family, seed, variants, cases):
    expected = {"family": family, "seed": seed, "variants": sorted(variants), "cases": {}}
    (folder / "expected").mkdir()
    for name, (facts, arrays) in cases.items():
        files = {}
        for key, array in arrays.items():
            file = f"{name}.{key}.npy"
            np.save(folder / "expected" / file, np.ascontiguousarray(array))
            files[key] = {"file": file, "shape": list(array.shape), "dtype": str(array.dtype)}
        expected["cases"][name] = {**facts, "files": files}
    write_json(folder / "expected" / "expected.json", expected)


def write_configs(folder, config, tokenizer, variants):
    ids = tokenizer.vocabulary
    side = config["vision_config"]["image_size"]
    write_json(folder / "config.json", video_llava.published(config, variants))
    write_json(folder / "generation_config.json", {"bos_token_id": ids["<s>"], "eos_token_id": ids["</s>"], "pad_token_id": ids["<pad>"]})
    write_json(folder / "preprocessor_config.json", {
        "crop_size": {"height": side, "width": side}, "do_center_crop": True, "do_convert_rgb": True,
        "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": video_llava.MEAN,
        "image_processor_type": "VideoLlavaImageProcessor", "image_std": video_llava.STD,
        "processor_class": "VideoLlavaProcessor", "resample": 3, "rescale_factor": 0.00392156862745098,
        "size": {"shortest_edge": side},
    })
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer.json, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    write_json(folder / "tokenizer_config.json", {
        "add_bos_token": True, "add_eos_token": False, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
        "pad_token": "<pad>", "tokenizer_class": "LlamaTokenizer", "model_max_length": 128,
    })


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", choices=["video_llava"], required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder; must not exist, or --force")
    parser.add_argument("--variant", action="append", default=[], choices=[*video_llava.VARIANTS, "random"])
    parser.add_argument("--force", action="store_true", help="replace the folder if it is a parity folder")
    arguments = parser.parse_args()
    folder = arguments.out
    if folder.exists():
        if not (arguments.force and (folder / "expected" / "expected.json").exists()):
            raise SystemExit(f"{folder} exists")
        shutil.rmtree(folder)
    variants = choose_variants(arguments.variant, arguments.seed)
    rng, tokenizer, config, tensors, dtype, cases = video_llava.draw(arguments.seed, variants)
    folder.mkdir(parents=True)
    write_configs(folder, config, tokenizer, variants)
    write_weights(folder, rng, tensors, dtype, 3 if "shards" in variants else 1, "unaligned" not in variants)
    write_expected(folder, arguments.family, arguments.seed, variants, cases)
    print(json.dumps({"folder": str(folder), "variants": sorted(variants), "dtype": dtype, "cases": sorted(cases)}))


if __name__ == "__main__":
    main()
