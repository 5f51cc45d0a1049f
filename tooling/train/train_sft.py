#!/usr/bin/env python3
"""Stages 6 and 7: tunes the decoder on what the encoder and the guide really see.

With `images = 0` guided pooling on videos; above 0 interleaved: single images, several images and videos in one batch.
"""
import json
import pickle
import random
from pathlib import Path

import numpy as np
import torch

from longtake_train.evaluation import Evaluation
from longtake_train.loading import load_eyes, load_guide, load_words
from longtake_train.pooled_stage import draw_pooled
from longtake_train.rows import looking_loss, make_rows, rows_loss, run_rows
from longtake_train.run import Run, read_config
from longtake_train.seen import as_stills, look, look_at_shards
from longtake_train.sft_stage import MOST_IMAGES, draw_images, draw_videos, draw_whole, join, padded
from longtake_train.text_stage import LESSON_WEIGHT, answer_loss, draw_batch, draw_rounding, embed, evidence_loss, with_noise

config = read_config(__doc__)
eyes, guide, model = load_eyes(config["eyes"]), load_guide(config["guide"]), load_words(config["words"])
run = Run(model, config, lambda name: "embed_tokens" not in name)

torch.set_num_threads(1)
longs = look_at_shards(eyes, guide, Path(config["long"]))
pictures = []
if config["images"] > 0:
    for path in sorted(Path(config["clips"]).glob("???-???.npz"))[:config["picture_shards"]]:
        data = np.load(path)
        stills = as_stills(torch.from_numpy(data["pixels"]), pickle.loads(data["videos"].tobytes()), random.Random(path.name))
        pictures.append(look(eyes, guide, *stills))
evaluation = Evaluation(eyes, guide, config["evaluate_seed"])
SHAPES = ((8, 1), (16, 1), (32, 1), (32, 1), (64, 1), (32, 2), (64, 2), (64, 2), (32, 4), (64, 4), (64, 8), (64, 16))


def draw_parts(rng: random.Random):
    """The rows of one batch: one shape of pooled video, and where images come too, rows of each sort."""
    size, told = config["rows"], config["told"]
    if rng.random() < config["images"]:
        third = size // 3
        few = rng.choice(((8, 1), (16, 2), (32, 4), (32, 2)))
        return join([draw_images(guide, rng.choice(pictures), rng, third, 1, told),
                     draw_images(guide, rng.choice(pictures), rng, third, rng.randint(2, MOST_IMAGES), told),
                     draw_videos(guide, rng.choice(longs), rng, third, few, told)])
    if rng.random() < config["whole"]:
        return draw_whole(rng.choice(longs), rng, size // 2, rng.choice((8, 16)), told)
    return draw_videos(guide, rng.choice(longs), rng, size, rng.choice(SHAPES), told)


for rng in run:
    if rng.random() < config["words_share"]:
        # Words beside pictures, so that what they taught is not forgotten.
        if rng.random() < 0.5:
            frames = rng.randint(1, 16)
            packed = draw_batch(rng, config["rows"] // 8, frames, frames, 8, 30)
            embeds = with_noise(embed(model, packed), packed, 0.15 * rng.random())
            draw_rounding(model, rng, packed, config["rounded"])
            hidden, attention = model(embeds, packed.positions, packed.allowed)
            answers, looked = answer_loss(model, hidden, packed), evidence_loss(attention, packed)
            model.round_cache(None)
        else:
            batch = draw_pooled(model, rng, config["rows"], 48, 0.15)
            hidden, seen = run_rows(model, batch.rows, batch.visual)
            answers, looked = rows_loss(model, hidden, batch.rows, LESSON_WEIGHT), looking_loss(seen, batch.rows, batch.evidence)
        name = "words"
    else:
        part = draw_parts(rng)
        rows = make_rows(part.questions)
        hidden, seen = run_rows(model, rows, part.visual)
        answers, looked = rows_loss(model, hidden, rows, LESSON_WEIGHT), looking_loss(seen, rows, padded(part.evidence))
        name = "seen"
    if run.learn(answers + config["evidence"] * looked, **{name: answers.item(), f"{name}_looking": looked.item()}):
        print(f"  {json.dumps(evaluation.score(model))}", flush=True)
