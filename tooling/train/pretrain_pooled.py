#!/usr/bin/env python3
"""Stage 2: the decoder learns to read pooled videos, told in words, beside unpooled ones."""
import json
from pathlib import Path

import torch

from longtake_train.model import LanguageModel, TextConfig
from longtake_train.pooled_stage import HeldPooled, draw_pooled
from longtake_train.rows import looking_loss, rows_loss, run_rows
from longtake_train.run import Run, read_config
from longtake_train.safetensors import load_safetensors
from longtake_train.text_stage import (LESSON_WEIGHT, answer_loss, draw_batch, draw_rounding, embed, evaluate, evidence_loss,
                                       with_noise)
from longtake_train.vocabulary import VOCABULARY

config = read_config(__doc__)
model = LanguageModel(TextConfig(len(VOCABULARY)))
PREFIX = "language_model."
init = Path(config["init"])
begun = load_safetensors(init) if init.suffix == ".safetensors" else {PREFIX + k: v for k, v in torch.load(init)["model"].items()}
model.load_state_dict({k[len(PREFIX):]: v for k, v in begun.items() if k.startswith(PREFIX)})
# The words stay, so that encoder and decoder can be trained at the same time.
run = Run(model, config, lambda name: "embed_tokens" not in name)
held = [HeldPooled(*shape, guided) for shape in ((32, 32, 1), (32, 64, 2), (32, 64, 4), (64, 64, 4), (64, 128, 16))
        for guided in (True, False) if shape[2] > 1 or guided]

for rng in run:
    if run.step % 3 == 2:
        frames = rng.randint(1, config["frames"])
        packed = draw_batch(rng, config["batch"], frames, frames, 8, 30)
        embeds = with_noise(embed(model, packed), packed, config["noise"] * rng.random())
        draw_rounding(model, rng, packed, config["rounded"])
        hidden, attention = model(embeds, packed.positions, packed.allowed)
        answers, looked = answer_loss(model, hidden, packed), evidence_loss(attention, packed)
        name = "whole"
    else:
        model.round_cache(None)
        batch = draw_pooled(model, rng, config["rows"], config["windows"], config["noise"])
        hidden, seen = run_rows(model, batch.rows, batch.visual)
        answers = rows_loss(model, hidden, batch.rows, LESSON_WEIGHT)
        looked, name = looking_loss(seen, batch.rows, batch.evidence), "pooled"
    if run.learn(answers + config["evidence"] * looked, **{name: answers.item(), f"{name}_looking": looked.item()}):
        model.round_cache(None)
        for sets in held:
            print(f"  {sets.name}: {json.dumps(sets.score(model))}", flush=True)
        for shots in (8, 16):
            print(f"  {shots} shots whole: {json.dumps({k: round(v, 2) for k, v in evaluate(model, 10_000 + shots, shots, shots, 24).items()})}", flush=True)
