"""Real encoding by the ffmpeg program: pictures in, a video file or decoded pictures out."""
from __future__ import annotations

import subprocess
import threading
from pathlib import Path
from typing import Iterable

import numpy as np

H264 = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-threads", "1"]
VP9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv420p", "-threads", "1"]
# One matrix, written into the file, so that every decoder turns YUV back the same way.
BT709 = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-colorspace", "bt709", "-color_primaries", "bt709",
         "-color_trc", "bt709"]


def _raw(size: int, fps: float) -> list[str]:
    return ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size}x{size}", "-r", str(fps),
            "-i", "-"]


def write_video(path: Path, frames: Iterable[np.ndarray], size: int, fps: float, quality: int, keyframe_every: int) -> None:
    """MP4 (H.264) or WebM (VP9) by the file's ending."""
    coder = VP9 + ["-b:v", "0", "-crf", str(quality + 8)] if path.suffix == ".webm" else H264 + ["-crf", str(quality)]
    command = _raw(size, fps) + BT709 + coder + ["-g", str(keyframe_every), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        for frame in frames:
            process.stdin.write(frame.tobytes())
        process.stdin.close()
        if process.wait() != 0:
            raise RuntimeError(f"ffmpeg could not write {path}")


def through_encoding(frames: np.ndarray, quality: int) -> np.ndarray:
    """Pictures [F, S, S, 3] as they look after H.264 at a constant rate factor."""
    size = frames.shape[1]
    coder = subprocess.Popen(_raw(size, 8) + BT709 + H264 + ["-crf", str(quality), "-g", "12", "-f", "matroska", "-"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    decoder = subprocess.Popen(["ffmpeg", "-v", "error", "-threads", "1", "-i", "-", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                               stdin=coder.stdout, stdout=subprocess.PIPE)

    def feed() -> None:
        coder.stdin.write(frames.tobytes())
        coder.stdin.close()

    thread = threading.Thread(target=feed)
    thread.start()
    decoded = decoder.stdout.read()
    thread.join()
    if coder.wait() != 0 or decoder.wait() != 0:
        raise RuntimeError("ffmpeg could not encode and decode the pictures")
    return np.frombuffer(decoded, np.uint8).reshape(frames.shape)
