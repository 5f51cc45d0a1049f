#!/usr/bin/env python3
"""Renders held-out videos of the small world and questions about them, from a seed.

Writes DIR/0000.mp4, 0001.webm, … and DIR/questions.json. Needs numpy and the ffmpeg program.
"""
import argparse
import json
import random
from dataclasses import asdict
from pathlib import Path

from longtake_train.codec import write_video
from longtake_train.drawing import draw_frame, stage
from longtake_train.questions import ask_questions
from longtake_train.world import draw_video


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--videos", type=int, default=30)
    parser.add_argument("--shots", type=int, nargs="+", default=[8], help="shots a video; several lengths take turns")
    parser.add_argument("--questions", type=int, default=8, help="questions a video")
    parser.add_argument("--held-out-phrasings", action="store_true", help="ask in words that training never used")
    parser.add_argument("--size", type=int, default=144, help="side of the picture, pixels")
    parser.add_argument("--fps", type=int, default=8)
    parser.add_argument("--seconds-per-shot", type=float, default=1.0)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    args = parse()
    args.out.mkdir(parents=True, exist_ok=True)
    listed = []
    for index in range(args.videos):
        shots = args.shots[index % len(args.shots)]
        rng = random.Random(f"held-out-{args.seed}-{shots}-{index}")
        video = draw_video(rng, shots)
        staging = stage(video, rng)
        questions = ask_questions(video, rng, args.questions, args.held_out_phrasings)
        # every third file is VP9 in WebM, the others H.264 in MP4
        path = args.out / f"{index:04}{'.webm' if index % 3 == 2 else '.mp4'}"
        count = round(shots * args.seconds_per_shot * args.fps)
        frames = (draw_frame(staging, (f + 0.5) / count, args.size) for f in range(count))
        write_video(path, frames, args.size, args.fps, rng.randint(18, 26), 2 * args.fps)
        listed.append({"file": path.name, "trend": video.trend, "shots": [asdict(s) for s in video.shots],
                       "questions": [asdict(q) for q in questions]})
    document = {"seed": args.seed, "shots": max(args.shots), "heldOutPhrasings": args.held_out_phrasings, "videos": listed}
    (args.out / "questions.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
