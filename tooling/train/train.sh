#!/usr/bin/env bash
# The embedded checkpoint from nothing. Each stage saves often and goes on where it was cut off.
set -euo pipefail
cd "$(dirname "$0")"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
python=${PYTHON:-/usr/bin/python3}

("$python" render_clips.py --shards 44 && "$python" render_long.py --shards 20) &
rendering=$!
"$python" pretrain_text.py --batch 20 --steps 4000
wait "$rendering"
"$python" train_vision.py --steps 3000
"$python" align.py configs/align.toml &
aligning=$!
"$python" pretrain_pooled.py configs/pooled-words.toml
wait "$aligning"
"$python" train_guide.py configs/guide.toml
"$python" train_sft.py configs/guided.toml
"$python" train_sft.py configs/interleaved.toml
"$python" train_sft.py configs/balanced.toml
"$python" train_dpo.py configs/dpo.toml
"$python" export.py
