"""Writes a checkpoint folder in the published layout: safetensors with or without shards, and JSON files."""
import json
import struct
from typing import NamedTuple

import numpy as np

from options import mixed_dtype


class Drawn(NamedTuple):
    """A drawn checkpoint with its cases; `files` are JSON files beside the usual ones, by name."""

    rng: object
    tokenizer: object
    config: dict
    tensors: dict
    dtype: str
    cases: dict
    files: dict


def quantise(values, dtype):
    """float64 values as the type stores them: (bytes, the values that those bytes mean)."""
    if dtype == "F16":
        stored = values.astype(np.float16)
        return stored.tobytes(), stored.astype(np.float64)
    single = np.ascontiguousarray(values, dtype=np.float32)
    if dtype == "F32":
        return single.tobytes(), single.astype(np.float64)
    bits = single.view(np.uint32).astype(np.uint64)
    upper = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return upper.tobytes(), (upper.astype(np.uint32) << 16).view(np.float32).astype(np.float64)


def safetensors(entries, aligned):
    """entries: [(name, dtype, shape, bytes)] in the order of their data."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, dtype, shape, raw in entries:
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    goal = 0 if aligned else 3
    text += b" " * ((goal - len(text)) % 8)
    return struct.pack("<Q", len(text)) + text + data


def write_weights(folder, rng, tensors, dtype, shards, aligned):
    """Tensors in a random order, over so many shards; one of them is F32 whatever the rest is, as in the wild."""
    names = [str(name) for name in rng.permutation(sorted(tensors))]
    entries = []
    for name in names:
        kind = stored_type(name, dtype)
        entries.append((name, kind, tensors[name].shape, quantise(tensors[name], kind)[0]))
    if shards == 1:
        (folder / "model.safetensors").write_bytes(safetensors(entries, aligned))
        return
    weight_map = {}
    for i in range(shards):
        file, part = f"model-{i + 1:05}-of-{shards:05}.safetensors", entries[i::shards]
        (folder / file).write_bytes(safetensors(part, aligned))
        weight_map.update({name: file for name, *_ in part})
    total = sum(len(raw) for *_, raw in entries)
    write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": weight_map})


def round_as_stored(tensors, dtype):
    """The values that a reader of the written file gets."""
    return {name: quantise(value, stored_type(name, dtype))[1] for name, value in tensors.items()}


def stored_type(name, dtype):
    if name.endswith("class_embedding"):
        return "F32"
    return mixed_dtype(name) if dtype == "mixed" else dtype


def lean(config, usual):
    """A config as a file: without the fields that equal the library's defaults. usual: those by part, "" is the top."""
    without = lambda part, known: {k: v for k, v in part.items() if k not in known or known[k] != v}
    out = without(config, usual[""])
    return {**out, **{name: without(config[name], known) for name, known in usual.items() if name}}


def write_json(path, content):
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
