#!/usr/bin/env python3
"""Stage 8: direct preference optimisation of the decoder, on pairs of the right answer and the model's own wrong one."""
import copy
import json
import random
from pathlib import Path

import torch

from longtake_train.checkpoints import save_state
from longtake_train.dpo import dpo_loss, log_probability
from longtake_train.evaluation import Evaluation
from longtake_train.loading import load_eyes, load_guide, load_words
from longtake_train.rows import make_rows
from longtake_train.run import Run, read_config
from longtake_train.seen import look_at_shards
from longtake_train.sft_stage import draw_videos
from longtake_train.vocabulary import encode
from longtake_train.writing import write_answers

config = read_config(__doc__)
torch.set_num_threads(1)
eyes, guide, model = load_eyes(config["eyes"]), load_guide(config["guide"]), load_words(config["words"])
reference = copy.deepcopy(model).requires_grad_(False)
pairs_path = Path(config["pairs"])


def make_pairs() -> list[dict]:
    """The model's own wrong answers, drawn at a temperature, with what the reference gave both answers."""
    longs, pairs, draw = look_at_shards(eyes, guide, Path(config["long"])), [], 0
    while len(pairs) < config["pairs_wanted"]:
        rng = random.Random(f"pairs-{config['seed']}-{draw}")
        torch.manual_seed(draw)
        draw += 1
        part = draw_videos(guide, rng.choice(longs), rng, 64, rng.choice(((16, 1), (32, 1), (32, 2), (64, 4))), config["told"], 1.0)
        longest = max(len(encode(q.answer)) for q in part.questions) + 1
        written = write_answers(model, part.questions, part.visual, longest, config["temperature"])
        wrong = [i for i, (w, q) in enumerate(zip(written, part.questions)) if encode(w) and encode(w) != encode(q.answer)]
        if not wrong:
            continue
        questions, visual = [part.questions[i] for i in wrong], [part.visual[i] for i in wrong]
        rejected = [encode(written[i]) for i in wrong]
        with torch.no_grad():
            before = log_probability(reference, make_rows(questions), visual)
            before_rejected = log_probability(reference, make_rows(questions, rejected), visual)
        pairs += [{"question": q, "visual": v.half(), "rejected": r, "chosen_before": c, "rejected_before": p}
                  for q, v, r, c, p in zip(questions, visual, rejected, before.tolist(), before_rejected.tolist())]
        print(f"pairs {len(pairs)} of {draw * 64} answers", flush=True)
    return pairs


if not pairs_path.exists():
    save_state(pairs_path, pairs=make_pairs())
pairs = torch.load(pairs_path)["pairs"]
run = Run(model, config, lambda name: "embed_tokens" not in name)
evaluation = Evaluation(eyes, guide, config["evaluate_seed"])
if run.step == 0:
    print(f"  before: {json.dumps(evaluation.score(model))}", flush=True)
for rng in run:
    batch = rng.sample(pairs, config["batch"])
    questions, visual = [p["question"] for p in batch], [p["visual"].float() for p in batch]
    rows = make_rows(questions)
    chosen = log_probability(model, rows, visual)
    rejected = log_probability(model, make_rows(questions, [p["rejected"] for p in batch]), visual)
    before = [torch.tensor([p[k] for p in batch]) for k in ("chosen_before", "rejected_before")]
    loss = dpo_loss(chosen, rejected, *before, config["beta"])
    won = ((chosen - before[0]) > (rejected - before[1])).float().mean()
    if run.learn(loss, dpo=loss.item(), won=won.item(), chosen=(chosen - before[0]).mean().item(), rejected=(rejected - before[1]).mean().item()):
        print(f"  {json.dumps(evaluation.score(model))}", flush=True)
