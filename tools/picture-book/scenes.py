#!/usr/bin/env python3
"""Draws the captioned scenes of the picture book. Everything follows from the caption, the style and a seed.

    scenes.py caption --seed 7 [--held-out]
    scenes.py draw --caption "a red house beside a tall green tree" --style chalk --seed 7 --out house.png
    scenes.py folder --out DIR --count 30 --style chalk --seed 0 [--held-out | --character]
    scenes.py sheet --out sheet.png --seed 0
"""

import argparse
import random
from pathlib import Path

from PIL import Image

import captions
from layout import arrange
from styles import STYLES, draw

SIDE = 128


def sample(seed, held=False, with_time=True, with_character=False):
    """The caption of a seed."""
    rng = random.Random(f"caption {seed}")
    return captions.caption(captions.sample(rng, held, with_time, with_character))


def picture(caption, style="flat", seed=0, side=SIDE):
    """The drawing of a caption, an RGB image."""
    scene = captions.parse(caption)
    return draw(arrange(scene, seed), scene.place, scene.time, style, side)


def _save(image, path):
    # A palette without dithering is enough for so few colours and makes the files small.
    image.quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)


def folder(out, count, style, seed, held=False, character=False):
    """Writes pictures and captions, one `.txt` beside each `.png`; captions differ from each other."""
    out.mkdir(parents=True, exist_ok=True)
    seen, number = [], seed * 1000
    while len(seen) < count:
        text = sample(number, held, with_time=False, with_character=character)
        if text not in seen:
            seen.append(text)
            stem = out / f"{len(seen):02d}"
            _save(picture(text, style, number), stem.with_suffix(".png"))
            stem.with_suffix(".txt").write_text(text + "\n")
        number += 1
    return seen


def held_out_set(out, count, seed, style):
    """Writes `captions.txt` and, per caption, its true target in `style/` and its base drawing in `flat/`.

    Both folders hold the captions as `.txt` too, so that either can be a data folder.
    """
    out.mkdir(parents=True, exist_ok=True)
    texts = list(dict.fromkeys(sample(seed * 1000 + i, True, with_time=False) for i in range(4 * count)))[:count]
    (out / "captions.txt").write_text("".join(text + "\n" for text in texts))
    for name in (style, "flat"):
        (out / name).mkdir(exist_ok=True)
        for i, text in enumerate(texts):
            _save(picture(text, name, seed * 1000 + i), out / name / f"{i:02d}.png")
            (out / name / f"{i:02d}.txt").write_text(text + "\n")


def sheet(out, seed, rows=8):
    """One row per scene, one column per style."""
    image = Image.new("RGB", (len(STYLES) * SIDE, rows * SIDE))
    for row in range(rows):
        text = sample(seed * 1000 + row, with_character=row >= rows - 2)
        print(text)
        for column, style in enumerate(STYLES):
            image.paste(picture(text, style, row), (column * SIDE, row * SIDE))
    image.save(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("caption", "draw", "folder", "held-out", "sheet"))
    parser.add_argument("--caption")
    parser.add_argument("--style", default="flat", choices=STYLES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--character", action="store_true")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    if args.what == "caption":
        print(sample(args.seed, args.held_out, with_character=args.character))
    elif args.what == "draw":
        picture(args.caption, args.style, args.seed).save(args.out)
    elif args.what == "folder":
        folder(args.out, args.count, args.style, args.seed, args.held_out, args.character)
    elif args.what == "held-out":
        held_out_set(args.out, args.count, args.seed, args.style)
    else:
        sheet(args.out, args.seed)


if __name__ == "__main__":
    main()
