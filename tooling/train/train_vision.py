#!/usr/bin/env python3
"""Stage 2 of the recipe: the video encoder learns to see, with a linear head for each thing a frame says."""
import argparse
import json
import random
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from longtake_train.checkpoints import save_state
from longtake_train.clips import HEADS, LABELS, normalise, render_clips
from longtake_train.model import VideoTower, VisionConfig
from longtake_train.optimizer import Optimizer

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--clips", type=Path, default=Path("work/clips"))
parser.add_argument("--out", type=Path, default=Path("work/vision.pt"))
parser.add_argument("--steps", type=int, default=6000)
parser.add_argument("--batch", type=int, default=32, help="clips a step")
parser.add_argument("--muon", type=float, default=0.02)
parser.add_argument("--adam", type=float, default=2e-3)
parser.add_argument("--init", type=Path, help="weights to begin with")
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()

torch.manual_seed(args.seed)
torch.set_flush_denormal(True)
config = VisionConfig()


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.video_tower = VideoTower(config)
        self.heads = nn.ModuleList(nn.Linear(config.hidden_size, len(values)) for _, values, _ in HEADS)

    def forward(self, pixels):
        """Logits of each head [B·N, values] for clips [B, N, 3, S, S]."""
        features = self.video_tower(pixels.flatten(0, 1))
        return [head(features[:, token]) for head, (_, _, token) in zip(self.heads, HEADS)]


def augment(pixels: torch.Tensor, rng: random.Random) -> torch.Tensor:
    """A pixel's shift and a little noise, as another camera and coder would give."""
    shift = (rng.randint(-1, 1), rng.randint(-1, 1))
    x = torch.roll(pixels, shift, (2, 3)).float()
    return (x + torch.randn_like(x) * rng.uniform(0, 4)).clamp(0, 255)


@torch.no_grad()
def evaluate(model: Reader, pixels: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    model.eval()
    logits = model(normalise(pixels))
    model.train()
    return {f"{name}@{token}": round((z.argmax(-1) == labels[..., LABELS.index(name)].flatten()).float().mean().item(), 3)
            for z, (name, _, token) in zip(logits, HEADS)}


model = Reader()
optimizer = Optimizer(model.named_parameters(), args.muon, args.adam, args.steps)
if args.init:
    model.load_state_dict(torch.load(args.init)["model"], strict=False)
step, started, saved = 0, time.time(), time.time()
if args.out.exists():
    state = torch.load(args.out)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    step = state["step"]
held_pixels, held_labels, _ = render_clips("clips-held-out", 64)
held_pixels, held_labels = torch.from_numpy(held_pixels), torch.from_numpy(held_labels)


def save() -> None:
    save_state(args.out, model=model.state_dict(), optimizer=optimizer.state_dict(), step=step)


shards: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}


def refresh() -> None:
    for path in sorted(args.clips.glob("???-???.npz")):
        if path.name not in shards:
            data = np.load(path)
            shards[path.name] = (torch.from_numpy(data["pixels"]), torch.from_numpy(data["labels"]))


mean = 0.0
while step < args.steps:
    if step % 50 == 0 or not shards:
        refresh()
        names = sorted(shards)
        if not names:
            time.sleep(5)
            continue
    rng = random.Random(f"vision-{args.seed}-{step}")
    parts = [(rng.choice(names)) for _ in range(4)]
    chosen = [(n, rng.sample(range(len(shards[n][0])), args.batch // 4)) for n in parts]
    pixels = torch.cat([shards[n][0][i] for n, i in chosen])
    labels = torch.cat([shards[n][1][i] for n, i in chosen]).flatten(0, 1)
    logits = model(normalise(augment(pixels, rng)))
    loss = sum(F.cross_entropy(z, labels[:, LABELS.index(name)]) for z, (name, _, _) in zip(logits, HEADS))
    loss.backward()
    norm = optimizer.step(step)
    step += 1
    mean = loss.item() if mean == 0 else 0.95 * mean + 0.05 * loss.item()
    if step % 50 == 0:
        print(f"step {step} loss {mean:.3f} norm {norm:.2f} {time.time() - started:.0f}s", flush=True)
    if step % 250 == 0 or step == args.steps:
        print("  " + json.dumps(evaluate(model, held_pixels, held_labels)), f"{len(shards)} shards", flush=True)
    if time.time() - saved > 60:
        save()
        saved = time.time()
save()
