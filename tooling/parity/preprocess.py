"""Writes reference pictures for the preprocessing tests, made by Pillow and PyTorch themselves.

    /usr/bin/python3 tooling/parity/preprocess.py tests/data/preprocess/cases.json

Each case: a picture (base64 of [h, w, 3]), an image-processor config, and the pixels after resize and crop: 8-bit
for Pillow (`bytes`) and torchvision-like resizing, float32 of the normalised values for the original Video-LLaVA.
"""
import base64
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
SIZES = [(1, 1), (1, 9), (7, 1), (2, 3), (13, 13), (12, 12), (31, 17), (18, 45), (64, 48), (5, 120), (150, 4), (41, 40)]


def picture(rng, width, height):
    """Noise over a gradient with hard edges, so that overshoot is clamped at both ends."""
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([x * 255 / max(width - 1, 1), y * 255 / max(height - 1, 1), ((x // 3 + y // 3) % 2) * 255], -1)
    return np.clip(base + rng.normal(0, 60, base.shape), 0, 255).astype(np.uint8)


def shortest(width, height, size):
    short, long = min(width, height), max(width, height)
    other = int(size * long / short)
    return (size, other) if width <= height else (other, size)


def floored_crop(image, width, height):
    """The NumPy processors' centre crop: pads with zeros, starts rounded down."""
    h, w = image.shape[:2]
    new_h, new_w = max(h, height), max(w, width)
    padded = np.zeros((new_h, new_w, 3), image.dtype)
    top, left = math.ceil((new_h - h) / 2), math.ceil((new_w - w) / 2)
    padded[top : top + h, left : left + w] = image
    y, x = (h - height) // 2 + top, (w - width) // 2 + left
    return padded[y : y + height, x : x + width]


def rounded_crop(image, width, height):
    """The tensor processors' centre crop: starts rounded to even."""
    h, w = image.shape[:2]
    pad_x, pad_y = max(width - w, 0), max(height - h, 0)
    image = np.pad(image, ((pad_y // 2, pad_y - pad_y // 2), (pad_x // 2, pad_x - pad_x // 2), (0, 0)))
    y, x = round((image.shape[0] - height) / 2), round((image.shape[1] - width) / 2)
    return image[y : y + height, x : x + width]


def interpolate(image, size, mode, antialias):
    tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].float()
    width, height = size
    result = torch.nn.functional.interpolate(tensor, (height, width), mode=mode, align_corners=False, antialias=antialias)
    return result[0].numpy().transpose(1, 2, 0)


def by_pillow(image, config):
    size, crop = config["size"], config.get("crop_size")
    goal = shortest(image.shape[1], image.shape[0], size["shortest_edge"]) if "shortest_edge" in size else (size["width"], size["height"])
    resized = np.asarray(Image.fromarray(image).resize(goal, config["resample"])) if config["do_resize"] else image
    return floored_crop(resized, crop["width"], crop["height"]) if config["do_center_crop"] else resized


def by_torch(image, config):
    goal = shortest(image.shape[1], image.shape[0], config["size"]["shortest_edge"])
    mode = {2: "bilinear", 3: "bicubic"}[config["resample"]]
    resized = np.round(np.clip(interpolate(image, goal, mode, True), 0, 255)).astype(np.uint8)
    return rounded_crop(resized, config["crop_size"]["width"], config["crop_size"]["height"])


def by_original(image, side):
    height, width = image.shape[:2]
    values = (image / np.float32(255) - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    goal = (side, math.floor(height / width * side)) if width < height else (math.floor(width / height * side), side)
    return rounded_crop(interpolate(values, goal, "bilinear", False), side, side).astype(np.float32)


def base(kind, resample, **fields):
    return {"image_processor_type": kind, "resample": resample, "do_resize": True, "do_center_crop": True, **fields}


def main():
    torch.set_num_threads(1)
    rng = np.random.default_rng(5)
    text = lambda array: base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    pictures, cases = [], []
    for index, (width, height) in enumerate(SIZES):
        image = picture(rng, width, height)
        pictures.append({"width": width, "height": height, "rgb": text(image)})
        add = lambda config, result, kind: cases.append({"picture": index, "config": config, kind: text(result)})
        for resample in (3, 2, 1, 4, 5) if index in (6, 8) else (3, 2):
            config = base("CLIPImageProcessor", resample, size={"shortest_edge": 12}, crop_size={"height": 12, "width": 12})
            add(config, by_pillow(image, config), "bytes")
        larger = base("VideoLlavaImageProcessor", 3, size={"shortest_edge": 9}, crop_size={"height": 12, "width": 11})
        add(larger, by_pillow(image, larger), "bytes")
        exact = {**base("SiglipImageProcessor", 3, size={"height": 7, "width": 10}), "do_center_crop": False}
        add(exact, by_pillow(image, exact), "bytes")
        kept = {**base("CLIPImageProcessor", 3, size={"shortest_edge": 9}, crop_size={"height": 10, "width": 9}), "do_resize": False}
        add(kept, by_pillow(image, kept), "bytes")
        for resample, edge in ((3, 12), (2, 12), (3, 9)):
            fast = base("CLIPImageProcessorFast", resample, size={"shortest_edge": edge}, crop_size={"height": 12, "width": 11})
            add(fast, by_torch(image, fast), "bytes")
        cases.append({"picture": index, "side": 6, "floats": text(by_original(image, 6))})
    Path(sys.argv[1]).write_text(json.dumps({"pictures": pictures, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
