#!/usr/bin/env python3
"""Draws many scenes with all cores into one array of bytes, [count, 3, 128, 128], and their captions.

    render.py --out DIR/name --count 60000 --mix flat:1 [--seed 0] [--held-out] [--character-share 0.1]

writes DIR/name.npy and DIR/name.txt. `--mix` gives styles their shares. A finished array is reused as it is.
"""

import argparse
import os
from multiprocessing import Pool
from pathlib import Path

import numpy as np

from scenes import SIDE, picture, sample

_TARGET = None


def _open(path):
    global _TARGET
    _TARGET = np.lib.format.open_memmap(path, mode="r+")


def _one(job):
    index, seed, style, held, character = job
    text = sample(seed, held, with_character=character)
    _TARGET[index] = np.asarray(picture(text, style, seed)).transpose(2, 0, 1)
    return text


def jobs(count, mix, seed, held, character_share):
    """What each picture is: (index, seed, style, held out, with the character). Styles and characters alternate evenly."""
    styles = [style for style, share in mix for _ in range(share)]
    every = round(1 / character_share) if character_share else 0
    for i in range(count):
        block = i // len(styles)
        yield i, seed * 10_000_000 + i, styles[i % len(styles)], held, bool(every) and block % every == 0


def render(out, count, mix, seed=0, held=False, character_share=0.0, processes=None):
    """Renders and returns (array of bytes, captions); see the module's text."""
    array, text = out.with_suffix(".npy"), out.with_suffix(".txt")
    if not text.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        np.lib.format.open_memmap(array, mode="w+", dtype=np.uint8, shape=(count, 3, SIDE, SIDE)).flush()
        with Pool(processes or os.cpu_count(), _open, (array,)) as pool:
            captions = pool.map(_one, jobs(count, mix, seed, held, character_share), chunksize=64)
        text.write_text("".join(caption + "\n" for caption in captions))
    return np.load(array, mmap_mode="r"), text.read_text().splitlines()


def mix_of(text):
    """`flat:2,chalk:1` as pairs."""
    return [(part.split(":")[0], int(part.split(":")[1])) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--mix", default="flat:1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--character-share", type=float, default=0.0)
    args = parser.parse_args()
    render(args.out, args.count, mix_of(args.mix), args.seed, args.held_out, args.character_share)


if __name__ == "__main__":
    main()
