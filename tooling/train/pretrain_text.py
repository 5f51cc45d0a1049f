#!/usr/bin/env python3
"""Stage 1 of the recipe: pre-trains the decoder on videos told in words. Resumes exactly; saves every minute."""
import argparse
import json
import random
import time
from pathlib import Path

import torch

from longtake_train.checkpoints import save_state
from longtake_train.model import LanguageModel, TextConfig
from longtake_train.optimizer import Optimizer
from longtake_train.text_stage import (answer_loss, draw_batch, draw_rounding, embed, evaluate, evidence_loss,
                                       with_noise)
from longtake_train.vocabulary import VOCABULARY

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--out", type=Path, default=Path("work/text.pt"))
parser.add_argument("--steps", type=int, default=4000)
parser.add_argument("--batch", type=int, default=20)
parser.add_argument("--questions", type=int, default=8)
parser.add_argument("--frames", type=int, default=16, help="most frames a video is told in")
parser.add_argument("--preamble", type=int, default=30, help="most words before the video")
parser.add_argument("--noise", type=float, default=0.15, help="spread of the noise on visual words, in embedding units")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--muon", type=float, default=0.02)
parser.add_argument("--adam", type=float, default=5e-3)
parser.add_argument("--evidence", type=float, default=0.3, help="weight of looking where the answer is")
parser.add_argument("--recall-frames", type=int, default=8, help="length at which the plain look-ups count as learned")
parser.add_argument("--rounded", type=float, default=0.25, help="share of steps with a KV cache of four bits")
parser.add_argument("--mastered", type=float, default=0.35, help="mean loss at which a video may be a frame longer")
parser.add_argument("--init", type=Path, help="an earlier run to go on from, with a new schedule")
args = parser.parse_args()

torch.manual_seed(args.seed)
torch.set_flush_denormal(True)
model = LanguageModel(TextConfig(len(VOCABULARY)))
optimizer = Optimizer(model.named_parameters(), args.muon, args.adam, args.steps)
step, longest, mean, recalled, started, saved = 0, 4, 1.0, False, time.time(), time.time()
if args.init:
    begun = torch.load(args.init)
    model.load_state_dict(begun["model"])
    longest, recalled = min(begun["longest"], args.frames), begun["recalled"]
if args.out.exists():
    state = torch.load(args.out)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    step, longest, mean, recalled = (state[k] for k in ("step", "longest", "mean", "recalled"))


def save() -> None:
    save_state(args.out, model=model.state_dict(), optimizer=optimizer.state_dict(), step=step, longest=longest, mean=mean,
               recalled=recalled)


while step < args.steps:
    # Everything random follows from the step alone, so that a resumed run is the same run.
    rng = random.Random(f"text-{args.seed}-{step}")
    torch.manual_seed(rng.getrandbits(32))
    # Look-ups form within minutes on their own, and hardly at all among questions with easier ways to be less wrong.
    exercise = not recalled
    frames = longest if exercise or rng.random() < 0.5 else rng.randint(1, longest)
    grown = longest / args.frames
    packed = draw_batch(rng, args.batch, frames, frames, 0 if exercise else args.questions, int(args.preamble * grown))
    embeds = with_noise(embed(model, packed), packed, args.noise * grown * rng.random())
    draw_rounding(model, rng, packed, args.rounded)
    hidden, attention = model(embeds, packed.positions, packed.allowed)
    loss = answer_loss(model, hidden, packed)
    looked = torch.zeros(()) if exercise else evidence_loss(attention, packed)
    (loss if exercise else loss + args.evidence * looked).backward()
    norm = optimizer.step(step)
    step += 1
    mean = 0.95 * mean + 0.05 * loss.item()
    if mean < args.mastered:
        # Longer videos only when shorter ones are read.
        recalled = recalled or longest >= args.recall_frames
        longest, mean = min(longest + 1, args.frames), args.mastered * 1.5
    if step % 50 == 0:
        print(f"step {step} longest {longest} loss {mean:.3f} evidence {looked.item():.3f} norm {norm:.2f} {time.time() - started:.0f}s", flush=True)
    if step % 250 == 0 or step == args.steps:
        model.round_cache(None)
        for shots in (8, 16, 32, 64):
            for rope, scale in (("none", 1.0),) if shots <= 16 else (("none", 1.0), ("ntk", 5 * shots / 80)):
                scores = evaluate(model, 10_000 + shots, shots, shots, 24, scale, rope)
                print(f"  {shots} shots {rope}: " + json.dumps({k: round(v, 2) for k, v in scores.items()}), flush=True)
    if time.time() - saved > 60:
        save()
        saved = time.time()
save()
