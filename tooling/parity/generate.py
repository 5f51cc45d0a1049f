"""Writes a parity folder: a tiny random checkpoint in the published layout, and what it must compute.

    /usr/bin/python3 tooling/parity/generate.py --family video_llava --seed 1 --out FOLDER [--variant NAME ...]

`--variant random` draws a mix of the others from the seed. Needs Python 3, NumPy and Pillow; variant `btadapter` PyTorch too.
"""
import argparse
import json
import shutil
from pathlib import Path

import numpy as np

import llava_next
import llava_onevision
import ppllava
import video_llava
import video_llava_original
from cases import MEAN, STD
from checkpoint import write_json, write_weights

FAMILIES = {"video_llava": video_llava, "video_llava_original": video_llava_original, "ppllava": ppllava,
            "llava_next": llava_next, "llava_onevision": llava_onevision}
EXCLUSIVE = [("rope-linear", "rope-llama3"), ("f32", "bf16")]


def choose_variants(known, names, seed):
    """The variants asked for; a family's own cases (`guide`) are never drawn."""
    names = set(names)
    unknown = names - {*known, "random"}
    if unknown:
        raise SystemExit(f"the family has no variant {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
    if "random" in names:
        names.remove("random")
        rng = np.random.default_rng([seed, 77])
        names |= {name for name in sorted(set(known) - {"guide"}) if rng.random() < 0.4}
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


def write_files(folder, drawn, family):
    write_json(folder / "config.json", drawn.config)
    write_compact(folder / "tokenizer.json", drawn.tokenizer.json)
    if family.PROCESSOR:
        write_configs(folder, drawn, family.PROCESSOR)
    for name, content in drawn.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (write_compact if name.endswith("tokenizer.json") else write_json)(folder / name, content)


def write_configs(folder, drawn, processor):
    """The usual files beside config.json and tokenizer.json; a family without a processor has files of its own."""
    ids = drawn.tokenizer.vocabulary
    side = drawn.config["vision_config"]["image_size"]
    write_json(folder / "generation_config.json", {"bos_token_id": ids["<s>"], "eos_token_id": ids["</s>"], "pad_token_id": ids["<pad>"]})
    fields = {
        "crop_size": {"height": side, "width": side}, "do_center_crop": True, "do_convert_rgb": True,
        "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": MEAN,
        **processor, "image_std": STD, "resample": 3, "rescale_factor": 0.00392156862745098,
        "size": {"shortest_edge": side},
    }
    write_json(folder / "preprocessor_config.json", {name: fields[name] for name in sorted(fields)})
    write_json(folder / "tokenizer_config.json", {
        "add_bos_token": True, "add_eos_token": False, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
        "pad_token": "<pad>", "tokenizer_class": "LlamaTokenizer", "model_max_length": 128,
    })


def write_compact(path, content):
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", choices=sorted(FAMILIES), required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder; must not exist, or --force")
    parser.add_argument("--variant", action="append", default=[], help="may be given several times; a wrong one lists all")
    parser.add_argument("--force", action="store_true", help="replace the folder if it is a parity folder")
    arguments = parser.parse_args()
    family = FAMILIES[arguments.family]
    variants = choose_variants(family.VARIANTS, arguments.variant, arguments.seed)
    folder = arguments.out
    if folder.exists():
        if not (arguments.force and (folder / "expected" / "expected.json").exists()):
            raise SystemExit(f"{folder} exists")
        shutil.rmtree(folder)
    drawn = family.draw(arguments.seed, variants)
    folder.mkdir(parents=True)
    getattr(family, "write_configs", write_files)(folder, drawn, family)
    write_weights(folder, drawn.rng, drawn.tensors, drawn.dtype, 3 if "shards" in variants else 1, "unaligned" not in variants)
    write_expected(folder, arguments.family, arguments.seed, variants, drawn.cases)
    print(json.dumps({"folder": str(folder), "variants": sorted(variants), "dtype": drawn.dtype, "cases": sorted(drawn.cases)}))


if __name__ == "__main__":
    main()
