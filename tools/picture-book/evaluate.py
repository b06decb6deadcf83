#!/usr/bin/env python3
"""How well a base draws held-out captions: a forced choice, and the autoencoder's PSNR.

    evaluate.py --base DIR [--count 64] [--seed 900000] [--guidance 4] [--grid FILE.png]

Forced choice: the caption's first thing (or its colour) is replaced by every other one, each variant is drawn by the
program, and the generated picture is given to the drawing it is nearest to. The share of pictures given to their own
caption's drawing is the accuracy (chance: 1/14 for things, 1/8 for colours). Distances are squared differences over
the thing's box, the smallest over shifts of up to 4 pixels.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import captions
import train_vae
from generate import generate, grid, load
from layout import arrange
from scenes import picture, sample
from styles import STYLES, draw

SHIFTS = range(-4, 5, 2)


def _drawing(scene):
    return np.asarray(draw(arrange(scene, 0), scene.place, scene.time, "flat")).astype(np.float32)


def _nearest(generated, drawings, box):
    left, top, right, bottom = box
    seen = generated[top:bottom, left:right].astype(np.float32)

    def error(drawing):
        shifted = (np.roll(drawing, (dy, dx), (0, 1))[top:bottom, left:right] for dy in SHIFTS for dx in SHIFTS)
        return min(np.square(seen - one).mean() for one in shifted)

    return int(np.argmin([error(drawing) for drawing in drawings]))


def _box(drawings):
    """The smallest box in which the variants differ."""
    stack = np.stack(drawings)
    changed = np.ptp(stack, axis=0).max(axis=2) > 8
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def forced_choice(texts, pictures, attribute, choices):
    """The share of pictures that are nearest to their own caption's drawing among all values of one attribute."""
    right = 0
    for text, generated in zip(texts, pictures):
        scene = captions.parse(text)
        options = [replace(scene, first=replace(scene.first, **{attribute: choice})) for choice in choices]
        drawings = [_drawing(option) for option in options]
        right += choices[_nearest(generated, drawings, _box(drawings))] == getattr(scene.first, attribute)
    return right / len(texts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--seed", type=int, default=900_000)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--grid", type=Path)
    args = parser.parse_args()
    vae, unet, text_encoder, scale = load(args.base)
    numbers = range(args.seed, args.seed + args.count)
    texts = [sample(number, True) for number in numbers]
    pictures = generate(vae, unet, text_encoder, scale, texts, guidance=args.guidance)
    report = {
        "thing": forced_choice(texts, pictures, "thing", captions.THINGS),
        "colour": forced_choice(texts, pictures, "colour", captions.COLOURS),
        "psnr": {},
    }
    for style in STYLES:
        drawn = np.stack([np.asarray(picture(text, style, number)).transpose(2, 0, 1) for text, number in zip(texts, numbers)])
        with torch.no_grad():
            report["psnr"][style] = round(train_vae.psnr(vae, drawn, "cpu"), 2)
    print(json.dumps(report))
    if args.grid:
        grid([list(pictures[i : i + 8]) for i in range(0, args.count, 8)], args.grid)


if __name__ == "__main__":
    main()
