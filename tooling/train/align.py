#!/usr/bin/env python3
"""Stage 4: encoder and projector learn to say what they see in the decoder's own words, on clips of eight frames."""
import json
import pickle
import random
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from longtake_train.clips import FRAMES, normalise
from longtake_train.model import TextConfig, VideoLlava, VisionConfig
from longtake_train.pooled_stage import ideal_tokens
from longtake_train.run import Run, read_config
from longtake_train.safetensors import load_safetensors
from longtake_train.vocabulary import VOCABULARY
from longtake_train.world import Video

config = read_config(__doc__)
EYES = ("video_tower.", "multi_modal_projector.linear_")
model = VideoLlava(VisionConfig(), TextConfig(len(VOCABULARY)))
for source, prefix in ((config["eyes"], ""), (config["words"], "language_model.")):
    path = Path(source)
    weights = load_safetensors(path) if path.suffix == ".safetensors" else {
        (prefix if not k.startswith(EYES) else "") + k: v for k, v in torch.load(path)["model"].items()}
    known = model.state_dict().keys()
    model.load_state_dict({k: v for k, v in weights.items() if k in known}, strict=False)
run = Run(model, config, lambda name: name.startswith(EYES))

shards = []
for path in sorted(Path(config["clips"]).glob("???-???.npz")):
    data = np.load(path)
    shards.append((torch.from_numpy(data["pixels"]), pickle.loads(data["videos"].tobytes())))
held, shards = shards[-1], shards[:-1]


def as_still(pixels: torch.Tensor, video: Video, rng: random.Random) -> tuple[torch.Tensor, Video]:
    """One frame of a clip, eight times over: what the encoder sees of a photograph."""
    slot = rng.randrange(FRAMES)
    shot = video.shots[int((slot + 0.5) / FRAMES * len(video.shots))]
    return pixels[slot].expand_as(pixels), Video((shot,), "steady")


def draw(shard, indices, rng: random.Random, stills: float):
    pixels, videos = [], []
    for index in indices:
        clip, video = shard[0][index], shard[1][index]
        # Near a cut the frame may show the neighbour of the shot that its place names.
        if rng.random() < stills and len(video.shots) <= FRAMES:
            clip, video = as_still(clip, video, rng)
        pixels.append(torch.roll(clip, (rng.randint(-1, 1), rng.randint(-1, 1)), (1, 2)))
        videos.append(video)
    noisy = torch.stack(pixels).float()
    return normalise(noisy + torch.randn_like(noisy) * rng.uniform(0, 4)), videos


def distance(pixels, videos):
    """To the ideal words, in units of their own spread; and per token of a frame."""
    tokens, ideal = model.visual_tokens(pixels), ideal_tokens(model.language_model, videos, FRAMES).detach()
    errors = (tokens - ideal).square().view(len(videos), FRAMES, -1, tokens.shape[-1]).mean((0, 1, 3)) / ideal.var()
    return errors.mean(), errors


@torch.no_grad()
def evaluate() -> dict[str, list[float]]:
    shown = {}
    for name, stills in (("clips", 0.0), ("stills", 1.0)):
        rng = random.Random("align-held-out")
        chosen = [i for i, v in enumerate(held[1]) if stills == 0 or len(v.shots) <= FRAMES][:128]
        shown[name] = [round(e, 4) for e in distance(*draw(held, chosen, rng, stills))[1].tolist()]
    return shown


for rng in run:
    shard = rng.choice(shards)
    loss, _ = distance(*draw(shard, rng.sample(range(len(shard[1])), config["batch"]), rng, config["stills"]))
    if run.learn(loss, distance=loss.item()):
        print(f"  {json.dumps(evaluate())}", flush=True)
