#!/usr/bin/env bash
# The embedded checkpoint from nothing. Each stage saves often and goes on where it was cut off.
set -euo pipefail
cd "$(dirname "$0")"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
python=${PYTHON:-/usr/bin/python3}

"$python" render_clips.py --shards 40 &
rendering=$!
"$python" pretrain_text.py --batch 20 --steps 4000
wait "$rendering"
"$python" train_vision.py --steps 3000
"$python" tune.py
"$python" export.py
