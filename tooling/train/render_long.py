#!/usr/bin/env python3
"""Renders longer videos for guided-pooling training into shards: 64 frames each, through real encoding. Goes on where it stopped."""
import argparse
import pickle
import random
from pathlib import Path

import numpy as np
import torch

from longtake_train.clips import render_frames
from longtake_train.world import draw_video

FRAMES = 64

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--out", type=Path, default=Path("work/long"))
parser.add_argument("--shards", type=int, default=20)
parser.add_argument("--videos", type=int, default=100, help="videos a shard")
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()

torch.set_num_threads(1)
args.out.mkdir(parents=True, exist_ok=True)
for shard in range(args.shards):
    path = args.out / f"{args.seed:03}-{shard:03}.npz"
    if path.exists():
        continue
    rng = random.Random(f"long-{args.seed}-{shard}")
    videos = [draw_video(rng, rng.choice((rng.randint(2, 16), rng.randint(8, 32), rng.randint(24, 64), 64))) for _ in range(args.videos)]
    pixels = render_frames(f"long-{args.seed}-{shard}", videos, FRAMES)
    np.savez(path.with_suffix(".part.npz"), pixels=pixels, videos=np.frombuffer(pickle.dumps(videos), np.uint8))
    path.with_suffix(".part.npz").rename(path)
    print(path.name, flush=True)
