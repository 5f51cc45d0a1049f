#!/usr/bin/env python3
"""Renders the encoder's training clips into shards, through real encoding. Goes on where it stopped."""
import argparse
import pickle
from pathlib import Path

import numpy as np
import torch

from longtake_train.clips import render_clips

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--out", type=Path, default=Path("work/clips"))
parser.add_argument("--shards", type=int, default=60)
parser.add_argument("--clips", type=int, default=400, help="clips a shard")
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()

torch.set_num_threads(1)
args.out.mkdir(parents=True, exist_ok=True)
for shard in range(args.shards):
    path = args.out / f"{args.seed:03}-{shard:03}.npz"
    if path.exists():
        continue
    pixels, labels, videos = render_clips(f"clips-{args.seed}-{shard}", args.clips)
    np.savez(path.with_suffix(".part.npz"), pixels=pixels, labels=labels,
             videos=np.frombuffer(pickle.dumps(videos), np.uint8))
    path.with_suffix(".part.npz").rename(path)
    print(path.name, flush=True)
