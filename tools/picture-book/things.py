"""The things of the picture book, as plain shapes in a unit box.

Each thing is a list of parts; a part is a role and the shapes that make it up (a role says which colour it takes,
see `styles.py`). Coordinates run from 0 to 1, left to right and from the ground up. `ASPECT` is width over height.
"""

import math

ASPECT = {
    "house": 1.0, "tree": 0.72, "car": 1.75, "boat": 1.1, "flower": 0.62, "cat": 1.05, "fish": 1.7, "mushroom": 1.0, "ball": 1.0,
    "tower": 0.55, "tent": 1.3, "bird": 1.25, "cup": 1.15, "lamp": 0.62, "charlie": 0.86, "sun": 1.0, "moon": 1.0, "cloud": 1.75,
    "star": 1.0, "kite": 0.75,
}
# How large a thing is beside the others, as the height of its box.
HEIGHT = {
    "house": 1.0, "tree": 1.15, "car": 0.6, "boat": 0.95, "flower": 0.95, "cat": 0.85, "fish": 0.6, "mushroom": 0.85, "ball": 0.75,
    "tower": 1.25, "tent": 0.85, "bird": 0.75, "cup": 0.75, "lamp": 1.1, "charlie": 1.0, "sun": 1.0, "moon": 0.9, "cloud": 0.62,
    "star": 0.85, "kite": 1.1,
}


def poly(*points):
    return ("poly", points)


def box(left, bottom, right, top):
    return poly((left, bottom), (right, bottom), (right, top), (left, top))


def disc(x, y, rx, ry):
    return ("disc", (x - rx, y - ry, x + rx, y + ry))


def line(width, *points):
    return ("line", points, width)


def _ring(x, y, radius_x, radius_y, inner, count, start=90.0):
    points = []
    for i in range(2 * count):
        scale = inner if i % 2 else 1.0
        angle = math.radians(start + 180.0 * i / count)
        points.append((x + radius_x * scale * math.cos(angle), y + radius_y * scale * math.sin(angle)))
    return poly(*points)


def _arc(x, y, rx, ry, first, last, steps=16):
    angles = [math.radians(first + (last - first) * i / steps) for i in range(steps + 1)]
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles]


def _petals(x, y, rx, ry, count):
    return [disc(x + rx * math.cos(a), y + ry * math.sin(a), rx * 0.62, ry * 0.62) for a in (2 * math.pi * i / count for i in range(count))]


# Parts from back to front: (role, shapes).
PARTS = {
    "house": [
        ("main", [box(0.1, 0.0, 0.9, 0.58)]),
        ("shade", [poly((0.0, 0.55), (1.0, 0.55), (0.5, 1.0))]),
        ("light", [box(0.58, 0.24, 0.78, 0.44)]),
        ("dark", [box(0.24, 0.0, 0.44, 0.38)]),
    ],
    "tree": [
        ("trunk", [box(0.41, 0.0, 0.59, 0.45)]),
        ("main", [disc(0.5, 0.74, 0.34, 0.26), disc(0.26, 0.53, 0.26, 0.2), disc(0.74, 0.53, 0.26, 0.2)]),
    ],
    "car": [
        ("main", [box(0.0, 0.2, 1.0, 0.58), poly((0.2, 0.56), (0.3, 1.0), (0.72, 1.0), (0.86, 0.56))]),
        ("light", [poly((0.3, 0.58), (0.36, 0.88), (0.5, 0.88), (0.5, 0.58)), poly((0.56, 0.58), (0.56, 0.88), (0.68, 0.88), (0.75, 0.58))]),
        ("dark", [disc(0.24, 0.18, 0.12, 0.19), disc(0.76, 0.18, 0.12, 0.19)]),
    ],
    "boat": [
        ("dark", [box(0.47, 0.3, 0.52, 1.0)]),
        ("light", [poly((0.55, 0.4), (0.55, 0.98), (0.94, 0.4))]),
        ("main", [poly((0.0, 0.34), (1.0, 0.34), (0.82, 0.0), (0.18, 0.0))]),
    ],
    "flower": [
        ("leaf", [box(0.45, 0.0, 0.55, 0.6), disc(0.28, 0.2, 0.2, 0.07), disc(0.72, 0.28, 0.2, 0.07)]),
        ("main", _petals(0.5, 0.7, 0.3, 0.186, 6)),
        ("light", [disc(0.5, 0.7, 0.17, 0.105)]),
    ],
    "cat": [
        ("main", [
            disc(0.44, 0.28, 0.36, 0.28), disc(0.7, 0.66, 0.23, 0.23), poly((0.5, 0.74), (0.52, 1.0), (0.68, 0.84)),
            poly((0.72, 0.84), (0.88, 1.0), (0.9, 0.74)), line(0.09, (0.12, 0.2), (0.03, 0.4), (0.08, 0.62)),
        ]),
        ("dark", [disc(0.62, 0.68, 0.035, 0.045), disc(0.79, 0.68, 0.035, 0.045)]),
    ],
    "fish": [
        ("main", [disc(0.6, 0.5, 0.4, 0.42), poly((0.32, 0.5), (0.0, 0.95), (0.0, 0.05))]),
        ("light", [disc(0.8, 0.62, 0.06, 0.1)]),
        ("dark", [disc(0.81, 0.62, 0.03, 0.05)]),
    ],
    "mushroom": [
        ("light", [poly((0.36, 0.0), (0.64, 0.0), (0.6, 0.55), (0.4, 0.55))]),
        ("main", [poly(*_arc(0.5, 0.46, 0.5, 0.54, 0.0, 180.0))]),
        ("light", [disc(0.3, 0.63, 0.08, 0.08), disc(0.54, 0.8, 0.08, 0.08), disc(0.72, 0.6, 0.08, 0.08)]),
    ],
    "ball": [
        ("main", [disc(0.5, 0.5, 0.5, 0.5)]),
        ("light", [poly((0.03, 0.4), (0.97, 0.4), (0.97, 0.6), (0.03, 0.6))]),
    ],
    "tower": [
        ("main", [box(0.14, 0.0, 0.86, 0.82), box(0.0, 0.74, 1.0, 0.88), box(0.0, 0.86, 0.22, 1.0), box(0.39, 0.86, 0.61, 1.0), box(0.78, 0.86, 1.0, 1.0)]),
        ("dark", [box(0.36, 0.0, 0.64, 0.22)]),
        ("light", [box(0.38, 0.44, 0.62, 0.6)]),
    ],
    "tent": [
        ("main", [poly((0.0, 0.0), (1.0, 0.0), (0.5, 1.0))]),
        ("dark", [poly((0.34, 0.0), (0.66, 0.0), (0.5, 0.58))]),
    ],
    "bird": [
        ("dark", [line(0.05, (0.42, 0.2), (0.42, 0.0)), line(0.05, (0.56, 0.2), (0.56, 0.0))]),
        ("main", [disc(0.46, 0.42, 0.34, 0.26), disc(0.74, 0.74, 0.18, 0.22), poly((0.2, 0.5), (0.0, 0.72), (0.02, 0.4))]),
        ("beak", [poly((0.88, 0.82), (1.0, 0.72), (0.88, 0.64))]),
        ("shade", [disc(0.42, 0.44, 0.19, 0.13)]),
        ("dark", [disc(0.77, 0.78, 0.035, 0.045)]),
    ],
    "cup": [
        ("main", [line(0.09, *_arc(0.74, 0.52, 0.2, 0.24, -80.0, 80.0)), poly((0.0, 1.0), (0.76, 1.0), (0.64, 0.0), (0.12, 0.0))]),
        ("light", [poly((0.04, 0.78), (0.72, 0.78), (0.7, 0.62), (0.06, 0.62))]),
    ],
    "lamp": [
        ("dark", [box(0.45, 0.04, 0.55, 0.6), box(0.22, 0.0, 0.78, 0.08)]),
        ("main", [poly((0.0, 0.55), (1.0, 0.55), (0.72, 1.0), (0.28, 1.0))]),
    ],
    "charlie": [
        ("metal", [line(0.06, (0.5, 0.78), (0.5, 0.93))]),
        ("signal", [disc(0.5, 0.93, 0.09, 0.07)]),
        ("metal", [disc(0.28, 0.06, 0.14, 0.07), disc(0.72, 0.06, 0.14, 0.07)]),
        ("robot", [disc(0.5, 0.44, 0.48, 0.38)]),
        ("white", [disc(0.33, 0.53, 0.14, 0.12), disc(0.67, 0.53, 0.14, 0.12)]),
        ("dark", [disc(0.35, 0.53, 0.06, 0.055), disc(0.69, 0.53, 0.06, 0.055)]),
        ("white", [poly(*_arc(0.5, 0.3, 0.24, 0.14, 180.0, 360.0))]),
    ],
    "sun": [("main", [_ring(0.5, 0.5, 0.5, 0.5, 0.66, 10), disc(0.5, 0.5, 0.36, 0.36)])],
    "moon": [("main", [poly(*_arc(0.42, 0.5, 0.5, 0.5, -110.0, 110.0), *reversed(_arc(0.2, 0.5, 0.47, 0.5, -75.0, 75.0)))])],
    "cloud": [("main", [disc(0.22, 0.34, 0.22, 0.34), disc(0.5, 0.6, 0.26, 0.4), disc(0.78, 0.36, 0.22, 0.36), box(0.2, 0.0, 0.8, 0.4)])],
    "star": [("main", [_ring(0.5, 0.47, 0.52, 0.52, 0.45, 5)])],
    "kite": [
        ("dark", [line(0.05, (0.5, 0.3), (0.38, 0.12), (0.56, 0.0))]),
        ("main", [poly((0.5, 1.0), (1.0, 0.66), (0.5, 0.26), (0.0, 0.66))]),
    ],
}
