#!/usr/bin/env python3
"""Stage 5: contrastive text and vision towers, so that a question finds the patches it speaks of. The encoder stays."""
import json
import pickle
import random
from pathlib import Path

import numpy as np
import torch

from longtake_train.clips import normalise
from longtake_train.guide import Guide, GuideConfig
from longtake_train.guide_stage import draw_lesson
from longtake_train.loading import load_eyes
from longtake_train.run import Run, read_config
from longtake_train.vocabulary import VOCABULARY

config = read_config(__doc__)
tower = load_eyes(config["eyes"]).video_tower.requires_grad_(False)
guide = Guide(GuideConfig(len(VOCABULARY)))
run = Run(guide, config)


@torch.no_grad()
def read_shard(path: Path):
    """Features of every clip, float16 [clips, 8, 1 + P, Dv], and its video."""
    data = np.load(path)
    pixels, videos = torch.from_numpy(data["pixels"]), pickle.loads(data["videos"].tobytes())
    features = [tower(normalise(part).flatten(0, 1)).half() for part in pixels.split(32)]
    return torch.cat(features).view(len(videos), pixels.shape[1], -1, features[0].shape[-1]), videos


shards = [read_shard(path) for path in sorted(Path(config["clips"]).glob("???-???.npz"))]
held, shards = shards[-1], shards[:-1]


def losses(shard, indices, rng: random.Random):
    """Both ways of CLIP's loss, with several right answers each: texts find patches, patches find texts."""
    videos = [shard[1][i] for i in indices]
    lesson = draw_lesson(rng, videos, config["texts"])
    features = shard[0][indices].float().flatten(0, 1)
    logits = guide.logits(guide.text(lesson.texts), guide.patches(features)).flatten(1)
    targets = lesson.targets.flatten(1)
    finding = -(targets * logits.log_softmax(-1)).sum(-1)
    speaks = (targets > 0) & (targets.amax(-1, keepdim=True) > 2 / targets.shape[-1])
    share = speaks / speaks.sum(0).clamp(min=1)
    naming = -(share * logits.log_softmax(0)).sum(0)[speaks.any(0)].mean()
    surplus = finding + (targets * targets.clamp(min=1e-9).log()).sum(-1)
    return finding.mean(), naming, surplus.mean(), logits, targets


@torch.no_grad()
def evaluate() -> dict[str, float]:
    """Share of the guide's weight that lies on the right patches, for texts that name something; and on all the rest."""
    rng, right, found = random.Random("guide-held-out"), [], []
    for _ in range(8):
        *_, logits, targets = losses(held, rng.sample(range(len(held[1])), config["clips_a_step"]), rng)
        weights, named = logits.softmax(-1), (targets == 0).any(-1)
        right += (weights * (targets > 0)).sum(-1)[named].tolist()
        best = logits.argmax(-1)
        found += (targets[torch.arange(len(best)), best] > 0)[named].tolist()
    return {"weight on right patches": round(float(np.mean(right)), 4), "best patch is right": round(float(np.mean(found)), 4),
            "tenth percentile": round(float(np.percentile(right, 10)), 4), "logit scale": round(guide.logit_scale.item(), 3)}


for rng in run:
    shard = rng.choice(shards)
    finding, naming, surplus, *_ = losses(shard, rng.sample(range(len(shard[1])), config["clips_a_step"]), rng)
    if run.learn(finding + 0.3 * naming, surplus=surplus.item(), naming=naming.item()):
        print(f"  {json.dumps(evaluate())}", flush=True)
