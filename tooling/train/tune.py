#!/usr/bin/env python3
"""Stage 3 of the recipe: joins the encoder and the decoder, on clips of eight frames only. Resumes exactly."""
import argparse
import json
import pickle
import random
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from longtake_train.checkpoints import save_state
from longtake_train.clips import FRAMES, normalise
from longtake_train.model import TextConfig, VideoLlava, VisionConfig
from longtake_train.optimizer import Optimizer
from longtake_train.packing import draw_lessons, pack
from longtake_train.text_stage import answer_loss, draw_batch, draw_rounding, embed, evidence_loss, with_noise
from longtake_train.tune_stage import Held, ideal_tokens, with_visual_tokens
from longtake_train.vocabulary import VOCABULARY

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--text", type=Path, default=Path("work/text.pt"))
parser.add_argument("--vision", type=Path, default=Path("work/vision.pt"))
parser.add_argument("--clips", type=Path, default=Path("work/clips"))
parser.add_argument("--out", type=Path, default=Path("work/tuned.pt"))
parser.add_argument("--align-steps", type=int, default=2500, help="steps of the eyes towards the decoder's words")
parser.add_argument("--steps", type=int, default=0, help="steps of tuning everything together, after aligning")
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--questions", type=int, default=8)
parser.add_argument("--muon", type=float, default=0.015)
parser.add_argument("--adam", type=float, default=3e-3)
parser.add_argument("--rounded", type=float, default=0.25, help="share of steps with a KV cache of four bits")
parser.add_argument("--evidence", type=float, default=0.1, help="weight of looking where the answer is")
parser.add_argument("--align-muon", type=float, default=0.006)
parser.add_argument("--align-adam", type=float, default=1e-3)
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()

torch.manual_seed(args.seed)
torch.set_flush_denormal(True)
model = VideoLlava(VisionConfig(), TextConfig(len(VOCABULARY)))
model.language_model.load_state_dict(torch.load(args.text)["model"])
EYES = ("video_tower.", "multi_modal_projector.")
seen = torch.load(args.vision)["model"]
model.load_state_dict({k: v for k, v in seen.items() if k.startswith(EYES)}, strict=False)
aligner = Optimizer([(n, p) for n, p in model.named_parameters() if n.startswith(EYES)], args.align_muon, args.align_adam,
                    args.align_steps)
optimizer = Optimizer(model.named_parameters(), args.muon, args.adam, max(args.steps, 1), decay=0.7)
align_step, step = 0, 0
if args.out.exists():
    state = torch.load(args.out)
    model.load_state_dict(state["model"])
    aligner.load_state_dict(state["aligner"])
    optimizer.load_state_dict(state["optimizer"])
    align_step, step = state["align_step"], state["step"]

shards = []
for path in sorted(args.clips.glob("???-???.npz")):
    data = np.load(path)
    shards.append((torch.from_numpy(data["pixels"]), pickle.loads(data["videos"].tobytes())))
held = {(s, f): Held(s, f) for s, f in ((8, 8), (32, 8), (32, 32), (64, 32), (64, 64))}


def draw_clips(rng: random.Random, answerable: bool):
    """A batch of clips; `answerable` ones show every shot of their video."""
    pixels, videos = [], []
    while len(videos) < args.batch:
        shard = rng.choice(shards)
        index = rng.randrange(len(shard[1]))
        if answerable and len(shard[1][index].shots) > FRAMES:
            continue
        pixels.append(torch.roll(shard[0][index], (rng.randint(-1, 1), rng.randint(-1, 1)), (1, 2)))
        videos.append(shard[1][index])
    return normalise(torch.stack(pixels)), videos


def alignment(tokens, videos):
    """Distance to the ideal words, in units of their own spread."""
    ideal = ideal_tokens(model, videos).detach()
    return F.mse_loss(tokens, ideal) / ideal.var()


def evaluate() -> None:
    model.language_model.round_cache(None)
    for (shots, frames), sets in held.items():
        arms = [("interleaved", "none")] if frames <= 8 else [
            ("interleaved", "none"), ("interleaved", "ntk"), ("contiguous", "ntk")]
        for layout, rope in arms:
            print(f"  {shots} shots {frames} frames {layout} {rope}: {json.dumps(sets.score(model, layout, rope))}", flush=True)


def save() -> None:
    save_state(args.out, model=model.state_dict(), aligner=aligner.state_dict(), optimizer=optimizer.state_dict(),
               align_step=align_step, step=step)


started, saved, means = time.time(), time.time(), [0.0, 0.0, 0.0]
while align_step < args.align_steps:
    pixels, videos = draw_clips(random.Random(f"align-{args.seed}-{align_step}"), False)
    loss = alignment(model.visual_tokens(pixels), videos)
    loss.backward()
    aligner.step(align_step)
    align_step += 1
    if align_step % 50 == 0:
        print(f"align {align_step} {loss.item():.4f} {time.time() - started:.0f}s", flush=True)
    if time.time() - saved > 60 or align_step == args.align_steps:
        save()
        saved = time.time()
    if align_step == args.align_steps:
        evaluate()
while step < args.steps:
    rng = random.Random(f"tune-{args.seed}-{step}")
    torch.manual_seed(rng.getrandbits(32))
    if step % 3 == 2:
        # Words go on beside pictures, so that lengths beyond eight frames are not forgotten.
        frames = 16 if rng.random() < 0.5 else rng.randint(1, 16)
        packed = draw_batch(rng, args.batch, frames, frames, args.questions, 30)
        embeds = with_noise(embed(model.language_model, packed), packed, 0.15 * rng.random())
        draw_rounding(model.language_model, rng, packed, args.rounded)
        hidden, attention = model.language_model(embeds, packed.positions, packed.allowed)
        loss = answer_loss(model.language_model, hidden, packed) + args.evidence * evidence_loss(attention, packed)
        means[2] = 0.95 * means[2] + 0.05 * loss.item()
    else:
        pixels, videos = draw_clips(rng, rng.random() < 0.8)
        tokens = model.visual_tokens(pixels)
        distance = alignment(tokens, videos)
        loss = 0.5 * distance
        means[1] = 0.95 * means[1] + 0.05 * distance.item()
        known = [i for i, v in enumerate(videos) if len(v.shots) <= FRAMES]
        if known:
            shown = [videos[i] for i in known]
            preamble = [[] for _ in shown]
            packed = pack(shown, draw_lessons(shown, rng, args.questions), FRAMES, preamble)
            draw_rounding(model.language_model, rng, packed, args.rounded)
            hidden, attention = model.language_model(with_visual_tokens(model, packed, tokens[known]), packed.positions, packed.allowed)
            answered = answer_loss(model.language_model, hidden, packed)
            loss = loss + answered + args.evidence * evidence_loss(attention, packed)
            means[0] = 0.95 * means[0] + 0.05 * answered.item()
    loss.backward()
    norm = optimizer.step(step)
    step += 1
    if step % 50 == 0:
        print(f"step {step} answers {means[0]:.3f} alignment {means[1]:.3f} words {means[2]:.3f} norm {norm:.2f} "
              f"{time.time() - started:.0f}s", flush=True)
    if step % 500 == 0 or step == args.steps:
        evaluate()
    if time.time() - saved > 120:
        save()
        saved = time.time()
save()
