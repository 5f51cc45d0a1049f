"""The safetensors format: length of the header, JSON header padded to eight bytes, then the data."""
from __future__ import annotations

import json
import struct
from pathlib import Path

import torch
from torch import Tensor


def save_safetensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Writes everything as float16."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, tensor in tensors.items():
        size = tensor.numel() * 2
        header[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [offset, offset + size]}
        offset += size
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for tensor in tensors.values():
            file.write(tensor.half().contiguous().numpy().tobytes())


def load_safetensors(path: Path) -> dict[str, Tensor]:
    """Reads what `save_safetensors` wrote, as float32."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + o for o in entry["data_offsets"])
        values = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float16)
        tensors[name] = values.view(entry["shape"]).float()
    return tensors
