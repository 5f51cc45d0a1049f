"""Writes a parity folder: a tiny random checkpoint in the published layout, and what it must compute.

    /usr/bin/python3 tooling/parity/generate.py --family video_llava --seed 1 --out FOLDER [--variant NAME ...]

`--set NAME=VALUE` chooses sizes, spellings and storage, by the same names in every family; `--help` lists them, and
`sweep.py` draws mixes of all of them. Needs Python 3, NumPy and Pillow; variant `btadapter` PyTorch too.
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
from options import CHOICES, Options

FAMILIES = {"video_llava": video_llava, "video_llava_original": video_llava_original, "ppllava": ppllava,
            "llava_next": llava_next, "llava_onevision": llava_onevision}
EXCLUSIVE = [("rope-linear", "rope-llama3"), ("f32", "bf16")]


def choose(known, names, settings):
    """The variants asked for, and the choices."""
    names, values = set(names), dict(setting.partition("=")[::2] for setting in settings)
    unknown = names - set(known)
    if unknown:
        raise SystemExit(f"the family has no variant {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
    if set(values) - set(CHOICES):
        raise SystemExit(f"no choice {', '.join(sorted(set(values) - set(CHOICES)))}; known: {', '.join(sorted(CHOICES))}")
    for first, second in EXCLUSIVE:
        if {first, second} <= names:
            raise SystemExit(f"--variant {first} and {second} exclude each other")
    return Options(names, values)


def write_expected(folder, family, seed, variants, cases, left_out):
    expected = {"family": family, "seed": seed, "variants": variants.words(), "cases": {}}
    (folder / "expected").mkdir()
    for name, (facts, arrays) in cases.items():
        if name in left_out:
            continue
        files = {}
        for key, array in arrays.items():
            if key in left_out:
                continue
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
        **{name: drawn.config.get(name, value) for name, value in processor.items()}, "image_std": STD, "resample": 3, "rescale_factor": 0.00392156862745098,
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
    listed = "\n".join(f"  --set {name}={'...':6} {meaning}" for name, meaning in CHOICES.items())
    parser = argparse.ArgumentParser(description=__doc__, epilog=listed, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", choices=sorted(FAMILIES), required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder; must not exist, or --force")
    parser.add_argument("--variant", action="append", default=[], help="may be given several times; a wrong one lists all")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="may be given several times")
    parser.add_argument("--leave-out", action="append", default=[], help="a case or an expected array; may be given several times")
    parser.add_argument("--force", action="store_true", help="replace the folder if it is a parity folder")
    arguments = parser.parse_args()
    family = FAMILIES[arguments.family]
    variants = choose(family.VARIANTS, arguments.variant, arguments.set)
    folder = arguments.out
    if folder.exists():
        if not (arguments.force and (folder / "expected" / "expected.json").exists()):
            raise SystemExit(f"{folder} exists")
        shutil.rmtree(folder)
    drawn = family.draw(arguments.seed, variants)
    folder.mkdir(parents=True)
    getattr(family, "write_configs", write_files)(folder, drawn, family)
    write_weights(folder, drawn.rng, drawn.tensors, drawn.dtype, variants.shards(), "unaligned" not in variants)
    write_expected(folder, arguments.family, arguments.seed, variants, drawn.cases, arguments.leave_out)
    print(json.dumps({"folder": str(folder), "variants": variants.words(), "dtype": drawn.dtype, "cases": sorted(drawn.cases)}))


if __name__ == "__main__":
    main()
