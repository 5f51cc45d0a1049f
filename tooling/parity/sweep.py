"""Draws random checkpoints of every family, runs `parity` on each, and prints the worst error of each stage.

    npm run build && /usr/bin/python3 tooling/parity/sweep.py --seed 1 [--count 15] [--family NAME ...] [--keep FOLDER]

Equal seeds give equal folders. A folder that fails is named with its options and the command that makes it again; the
exit code is 1 then. Needs what `generate.py` needs, and Node.
"""
import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from sweep_draw import FAMILIES, GENERATORS, draw

HERE = Path(__file__).resolve().parent
MAIN = HERE.parent / "bench" / "dist" / "main.js"


def commands(family, seed, index, folder):
    """How one folder is made, and how it is compared."""
    rng = np.random.default_rng([seed, index, sorted(FAMILIES).index(family)])
    variants, values = draw(rng, family)
    make = [sys.executable, str(HERE / "generate.py"), "--family", GENERATORS.get(family, family), "--seed", str(int(rng.integers(1 << 30)))]
    make += ["--out", str(folder)]
    for variant in variants:
        make += ["--variant", variant]
    for name, value in values.items():
        make += ["--set", f"{name}={value}"]
    return make, ["node", str(MAIN), "parity", "--json", "--dir", str(folder)]


def run(family, seed, index, root):
    """One folder: (its command, the cases' results, what went wrong or None)."""
    make, compare = commands(family, seed, index, root / f"{family}-{seed}-{index}")
    made = subprocess.run(make, capture_output=True, text=True)
    if made.returncode != 0:
        return make, [], "generator: " + made.stderr.strip().splitlines()[-1]
    compared = subprocess.run(compare, capture_output=True, text=True)
    try:
        cases = json.loads(compared.stdout)["cases"]
    except ValueError:
        return make, [], compared.stderr.strip() or "parity printed nothing"
    return make, cases, None if compared.returncode == 0 else json.dumps(cases)


def worst(results):
    """The largest error of each stage over all cases; a stage of tokens counts those that are the same."""
    stages = {}
    for _, cases, _ in results:
        for case in cases:
            for stage, value in case.items():
                if isinstance(value, bool):
                    same, all_ = stages.get(stage, (0, 0))
                    stages[stage] = (same + value, all_ + 1)
                elif isinstance(value, (int, float)):
                    stages[stage] = max(stages.get(stage, 0.0), value)
    return stages


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=15, help="folders of each family")
    parser.add_argument("--family", action="append", choices=sorted(FAMILIES), help="may be given several times; default all")
    parser.add_argument("--keep", type=Path, help="where folders are left; default a temporary folder, removed at the end")
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    families, failed = arguments.family or sorted(FAMILIES), 0
    with tempfile.TemporaryDirectory(prefix="longtake-sweep-") as scratch, ThreadPoolExecutor(arguments.jobs) as pool:
        root = arguments.keep or Path(scratch)
        root.mkdir(parents=True, exist_ok=True)
        for family in families:
            results = list(pool.map(lambda index: run(family, arguments.seed, index, root), range(arguments.count)))
            failures = [(make, problem) for make, _, problem in results if problem is not None]
            failed += len(failures)
            print(json.dumps({"family": family, "folders": len(results), "failed": len(failures), "worst": worst(results)}), flush=True)
            for make, problem in failures:
                print(f"  {shlex.join(make)}\n  {problem}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
