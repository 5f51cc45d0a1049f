"""What every training command shares: a TOML config, steps that follow from the seed alone, saving and resuming."""
from __future__ import annotations

import argparse
import random
import time
import tomllib
from pathlib import Path
from typing import Iterator

import torch
from torch import nn

from .checkpoints import save_state
from .optimizer import Optimizer

SAVE_SECONDS = 60
REPORT_STEPS = 50


def read_config(description: str | None) -> dict:
    """The config named on the command line; `key=value` after it replaces single values."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("config", type=Path)
    parser.add_argument("changes", nargs="*", help="key=value, in TOML")
    args = parser.parse_args()
    config = tomllib.loads(args.config.read_text())
    for change in args.changes:
        changed = tomllib.loads(change)
        unknown = changed.keys() - config.keys()
        if unknown:
            parser.error(f"{args.config} has no {', '.join(unknown)}")
        config.update(changed)
    return config


class Run:
    """One resumable run: `for rng in run:` draws a step's batch from `rng`, calls `run.learn(loss)`, and goes on.

    Everything random follows from the config's seed and the step, so that a resumed run is the same run.
    """

    def __init__(self, model: nn.Module, config: dict, trainable=lambda name: True):
        torch.set_num_threads(1)
        torch.set_flush_denormal(True)
        self.model, self.config = model, config
        self.out = Path(config["out"])
        self.steps, self.step, self.started = config["steps"], 0, time.time()
        self.means: dict[str, float] = {}
        named = [(n, p) for n, p in model.named_parameters() if trainable(n)]
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(trainable(name))
        self.optimizer = Optimizer(named, config["muon"], config["adam"], self.steps, warmup=config["warmup"],
                                   decay=config["decay"])
        if self.out.exists():
            state = torch.load(self.out)
            model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.means = state["step"], state["means"]

    def __iter__(self) -> Iterator[random.Random]:
        saved = time.time()
        while self.step < self.steps:
            rng = random.Random(f"{self.config['name']}-{self.config['seed']}-{self.step}")
            torch.manual_seed(rng.getrandbits(32))
            yield rng
            if time.time() - saved > SAVE_SECONDS:
                self.save()
                saved = time.time()
        self.save()

    def learn(self, loss: torch.Tensor, **parts: float) -> bool:
        """One step down; reports now and then. True when it is time to evaluate."""
        loss.backward()
        norm = self.optimizer.step(self.step)
        self.step += 1
        for name, value in parts.items():
            self.means[name] = 0.95 * self.means.get(name, value) + 0.05 * value
        if self.step % REPORT_STEPS == 0:
            shown = " ".join(f"{name} {value:.3f}" for name, value in self.means.items())
            print(f"step {self.step} {shown} norm {norm:.2f} {time.time() - self.started:.0f}s", flush=True)
        return self.step % self.config["evaluate_every"] == 0 or self.step == self.steps

    def save(self) -> None:
        save_state(self.out, model=self.model.state_dict(), optimizer=self.optimizer.state_dict(), step=self.step,
                   means=self.means)
