#!/usr/bin/env python3
"""How far generated pictures are from a style's true targets: colour and edge histograms.

    measure.py --targets DIR --base DIR --tuned DIR

Each folder holds one PNG per held-out caption, named by number; pictures with the same number belong together. The
distance of two pictures is the mean of two total variations (each 0 to 1): of their colour histograms (5 x 5 x 5 bins
of RGB, shared linearly between neighbouring bins) and of their edge histograms (strength in 4 bins by orientation in
8; flat pixels are one bin of their own). Printed as JSON:

    base, tuned        mean distance to the target with the same number
    target_to_target   mean distance between targets of different captions: what the style alone leaves open
    ratio              tuned / base: the stated measure is at most 0.5
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

COLOUR_BINS = 5
STRENGTHS = (24.0, 64.0, 128.0)  # of the gradient of luminance, in levels per pixel pair; below FLAT is no edge
FLAT = 8.0
ORIENTATIONS = 8


def colour_histogram(pixels):
    """Shares of RGB bins [COLOUR_BINS ** 3] of a picture [h, w, 3] in 0..255; each pixel is shared between the 8 nearest."""
    at = pixels.reshape(-1, 3) / 255.0 * (COLOUR_BINS - 1)
    low = np.minimum(at.astype(int), COLOUR_BINS - 2)
    part = at - low
    histogram = np.zeros(COLOUR_BINS**3)
    for corner in range(8):
        bits = np.array([corner & 1, corner >> 1 & 1, corner >> 2 & 1])
        weight = np.prod(np.where(bits, part, 1 - part), axis=1)
        index = ((low + bits) * (COLOUR_BINS**2, COLOUR_BINS, 1)).sum(axis=1)
        histogram += np.bincount(index, weight, COLOUR_BINS**3)
    return histogram / histogram.sum()


def edge_histogram(pixels):
    """Shares of edge bins [1 + 4 * ORIENTATIONS]: no edge, then strength by orientation."""
    grey = pixels @ np.array([0.299, 0.587, 0.114])
    dx = grey[1:-1, 2:] - grey[1:-1, :-2]
    dy = grey[2:, 1:-1] - grey[:-2, 1:-1]
    strength = np.hypot(dx, dy)
    orientation = np.floor((np.arctan2(dy, dx) % np.pi) / np.pi * ORIENTATIONS + 0.5).astype(int) % ORIENTATIONS
    bins = 1 + np.digitize(strength, STRENGTHS) * ORIENTATIONS + orientation
    bins = np.where(strength < FLAT, 0, bins)
    counts = np.bincount(bins.ravel(), minlength=1 + (len(STRENGTHS) + 1) * ORIENTATIONS)
    return counts / counts.sum()


def features(path):
    """(colour histogram, edge histogram) of a file."""
    pixels = np.asarray(Image.open(path).convert("RGB"), dtype=np.float64)
    return colour_histogram(pixels), edge_histogram(pixels)


def distance(a, b):
    """Mean of the two total variations, 0 to 1."""
    return float(np.mean([0.5 * np.abs(x - y).sum() for x, y in zip(a, b)]))


def read_folder(folder):
    """Features by number; raises SystemExit that names the folder when it holds none."""
    found = {int(path.stem): features(path) for path in sorted(folder.glob("*.png")) if path.stem.isdigit()}
    if not found:
        raise SystemExit(f"{folder}: no PNG named by a number (such as 00.png)")
    return found


def mean_distance(generated, targets, name):
    if generated.keys() != targets.keys():
        raise SystemExit(f"{name}: its numbers {sorted(generated)} are not the targets' {sorted(targets)}")
    return float(np.mean([distance(generated[i], targets[i]) for i in targets]))


def measure(targets, base, tuned):
    """The measure of read folders."""
    numbers = sorted(targets)
    others = [distance(targets[a], targets[b]) for a in numbers for b in numbers if a < b]
    from_base, from_tuned = mean_distance(base, targets, "base"), mean_distance(tuned, targets, "tuned")
    return {"base": from_base, "tuned": from_tuned, "target_to_target": float(np.mean(others)), "ratio": from_tuned / from_base}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("targets", "base", "tuned"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args()
    found = measure(*(read_folder(folder) for folder in (args.targets, args.base, args.tuned)))
    print(json.dumps({key: round(value, 4) for key, value in found.items()}))


if __name__ == "__main__":
    main()
