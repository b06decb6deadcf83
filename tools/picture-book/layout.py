"""Where the things of a caption stand. The caption alone decides; a seed only shifts and scales a little.

Positions are in a square of 128 units, y down. A placed thing is (name, colour, left, bottom, width, height), listed
from back to front.
"""

import random

from captions import CHARACTER, Group
from things import ASPECT, HEIGHT

SIDE = 128.0
GROUND = 97.0  # where the strip of grass, sand, snow or water starts
FEET = 116.0  # where things stand
SIZE_FACTOR = {"": (1.0, 1.0), "small": (0.66, 0.66), "big": (1.22, 1.22), "tall": (0.92, 1.4)}
MAX_SHIFT = 2.5
MAX_SCALE = 0.05


def _place(out, rng, group, x, feet, unit, limit):
    """One thing with its feet at (x, feet); `unit` is the height of a thing of height 1, `limit` its widest."""
    wide, high = SIZE_FACTOR[group.size]
    height = unit * HEIGHT[group.thing]
    width = height * ASPECT[group.thing]
    shrink = min(1.0, limit / width)
    scale = shrink * (1.0 + rng.uniform(-MAX_SCALE, MAX_SCALE))
    width, height = width * wide * scale, height * high * scale
    x += rng.uniform(-MAX_SHIFT, MAX_SHIFT)
    feet += rng.uniform(-MAX_SHIFT, MAX_SHIFT) * 0.6
    out.append((group.thing, group.colour, x - width / 2, feet, width, height))


def _row(out, rng, group, centre, feet, room, unit):
    """A group within `room` units around `centre`: one thing, two side by side, three with one at the back."""
    if group.count == 1:
        _place(out, rng, group, centre, feet, unit, room * 0.86)
        return
    step = room * 0.46
    unit = unit * (0.72 if room > 80 else 0.6)
    limit = room * 0.44
    if group.count == 3:
        _place(out, rng, group, centre, feet - unit * 0.62, unit, limit)
    _place(out, rng, group, centre - step / 2, feet, unit, limit)
    _place(out, rng, group, centre + step / 2, feet, unit, limit)


def _pair(out, rng, scene, unit):
    relation, first, second = scene.relation, scene.first, scene.second
    if relation in ("beside", "to the left of", "to the right of"):
        left, right = (second, first) if relation == "to the right of" else (first, second)
        _row(out, rng, left, 35.0, FEET, 58.0, unit)
        _row(out, rng, right, 93.0, FEET, 58.0, unit)
    elif relation in ("in front of", "behind"):
        front, back = (first, second) if relation == "in front of" else (second, first)
        _place(out, rng, back, 76.0, FEET - 13.0, unit * 1.12, 74.0)
        _place(out, rng, front, 47.0, FEET, unit * 0.72, 46.0)
    else:
        top, bottom = (first, second) if relation == "above" else (second, first)
        _place(out, rng, top, 64.0, 56.0, 40.0, 56.0)
        _place(out, rng, bottom, 64.0, FEET, 44.0, 68.0)


def _sky(out, rng, group):
    centre = {"sun": 104.0, "moon": 24.0}.get(group.thing, 64.0)
    size = 26.0 if group.count == 1 else 21.0
    for i in range(group.count):
        x = centre + (i - (group.count - 1) / 2) * 38.0
        _place(out, rng, Group(group.thing, group.colour), x, 32.0, size, 36.0)


def arrange(scene, seed):
    """The placed things of a scene, from back to front."""
    rng = random.Random(f"layout {seed}")
    out = []
    if scene.sky:
        _sky(out, rng, scene.sky)
    if scene.second:
        _pair(out, rng, scene, 48.0)
    else:
        _row(out, rng, scene.first, 64.0, FEET, 108.0, 60.0 if scene.first.thing != CHARACTER else 56.0)
    return out
