"""The styles of the picture book: flat (the base's own), chalk, blueprint and risograph.

A style draws the same placed things on its own ground. Everything is drawn at four times the size and shrunk, which
gives smooth edges. Textures (hatching, the board's tooth, the halftone screen) stay fixed to the page, as paper and
screens do, and repeat every 8 or 4 pixels.
"""

from PIL import Image, ImageChops, ImageDraw

from layout import GROUND
from things import PARTS

SCALE = 4
PALETTE = {
    "red": (214, 48, 49), "orange": (243, 146, 40), "yellow": (248, 214, 48), "green": (58, 158, 78), "blue": (44, 104, 204),
    "purple": (130, 72, 168), "pink": (246, 150, 190), "brown": (126, 82, 50), "": (60, 130, 220),
}
ROLES = {
    "trunk": (110, 76, 52), "light": (253, 232, 176), "dark": (52, 48, 60), "leaf": (74, 150, 84), "beak": (240, 160, 50),
    "robot": (60, 130, 220), "metal": (130, 138, 150), "signal": (230, 60, 60), "white": (252, 252, 252),
}
GROUNDS = {"": (250, 244, 230), "at night": (38, 42, 78), "at sunset": (250, 200, 160)}
STRIPS = {"on the grass": (150, 202, 112), "on the sand": (234, 210, 146), "in the snow": (222, 234, 246), "by the water": (124, 182, 228)}
STYLES = ("flat", "chalk", "blueprint", "risograph")


def _mix(a, b, share):
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b))


def role_colour(role, colour):
    """The flat colour of a part of a thing of the given colour."""
    if role == "main":
        return PALETTE[colour]
    if role == "shade":
        return _mix(PALETTE[colour], (40, 30, 50), 0.3)
    return ROLES[role]


class Page:
    """A picture being drawn, `side` units wide (128 layout units whatever its size in pixels)."""

    def __init__(self, side, ground):
        self.factor = side * SCALE / 128.0
        self.size = side * SCALE
        self.image = Image.new("RGB", (self.size, self.size), ground)
        self.draw = ImageDraw.Draw(self.image)

    def units(self, value):
        return value * self.factor

    def masks(self, shapes, frame, outline):
        """Masks of a part: (corner, filled, outlined) with the outline `outline` units thick; None off the page."""
        left, bottom, width, height = frame
        pad = outline + 2.0
        corner = (max(0, int(self.units(left - pad))), max(0, int(self.units(bottom - height - pad))))
        far = (min(self.size, int(self.units(left + width + pad)) + 1), min(self.size, int(self.units(bottom + pad)) + 1))
        if far[0] <= corner[0] or far[1] <= corner[1]:
            return None
        size = (far[0] - corner[0], far[1] - corner[1])
        filled, outer = Image.new("L", size), Image.new("L", size)
        for shape in shapes:
            self._shape(ImageDraw.Draw(filled), shape, frame, corner, 0.0)
            self._shape(ImageDraw.Draw(outer), shape, frame, corner, self.units(outline))
        return corner, filled, ImageChops.subtract(outer, filled), outer

    def _shape(self, draw, shape, frame, corner, grow):
        left, bottom, width, height = frame

        def at(point):
            return (
                self.units(left + point[0] * width) - corner[0],
                self.units(bottom - point[1] * height) - corner[1],
            )

        if shape[0] == "disc":
            x0, y0, x1, y1 = shape[1]
            (a, b), (c, d) = at((x0, y1)), at((x1, y0))
            draw.ellipse((a - grow, b - grow, c + grow, d + grow), fill=255)
        elif shape[0] == "poly":
            points = [at(point) for point in shape[1]]
            draw.polygon(points, fill=255)
            if grow:
                draw.line([*points, points[0], points[1]], fill=255, width=max(1, round(2 * grow)), joint="curve")
        else:
            points = [at(point) for point in shape[1]]
            thick = self.units(shape[2] * height) + 2 * grow
            draw.line(points, fill=255, width=max(1, round(thick)), joint="curve")

    def finish(self):
        return self.image.reduce(SCALE)


def _parts(things):
    for name, colour, left, bottom, width, height in things:
        for role, shapes in PARTS[name]:
            yield role, colour, shapes, (left, bottom, width, height)


def _paste(page, colour, corner, mask):
    page.image.paste(colour, corner, mask)


# --- textures: made once per page size, fixed to the page ---

_TEXTURES = {}


def _texture(name, size, make):
    key = (name, size)
    if key not in _TEXTURES:
        _TEXTURES[key] = make(size)
    return _TEXTURES[key]


def _tiled(size, period, value):
    """A mask that repeats `value(x, y)` (x, y in 0..1 of the period, result 0..255) every `period` pixels of the page."""
    step = period * SCALE
    tile = Image.new("L", (step, step))
    tile.putdata([int(value((x + 0.5) / step, (y + 0.5) / step)) for y in range(step) for x in range(step)])
    mask = Image.new("L", (size, size))
    for y in range(0, size, step):
        for x in range(0, size, step):
            mask.paste(tile, (x, y))
    return mask


def _hatch(size):
    return _tiled(size, 8, lambda x, y: 255 if (x + y) % 0.5 < 0.27 else 0)


def _tooth(size):
    return _tiled(size, 8, lambda x, y: 150 if (3 * x + 5 * y) % 1.0 < 0.3 else 255)


def _screen(dots):
    return lambda size: _tiled(size, 4, lambda x, y: 255 if (x - 0.5) ** 2 + (y - 0.5) ** 2 < dots / 3.1416 else 0)


def _cut(texture, corner, mask):
    return ImageChops.multiply(texture.crop((corner[0], corner[1], corner[0] + mask.width, corner[1] + mask.height)), mask)


# --- the styles ---


def _ground_strip(page, place):
    top = round(page.units(GROUND))
    return (0, top), Image.new("L", (page.size, page.size - top), 255), STRIPS[place]


def _flat(things, place, time, side):
    page = Page(side, GROUNDS[time])
    if place:
        corner, mask, colour = _ground_strip(page, place)
        _paste(page, _mix(colour, GROUNDS[time], 0.35 if time == "at night" else 0.0), corner, mask)
    for role, colour, shapes, frame in _parts(things):
        masks = page.masks(shapes, frame, 0.0)
        if masks:
            _paste(page, role_colour(role, colour), masks[0], masks[1])
    return page.finish()


BOARD = (38, 50, 46)


def _chalk(things, place, time, side):
    page = Page(side, BOARD)
    hatch, tooth = _texture("hatch", page.size, _hatch), _texture("tooth", page.size, _tooth)
    if place:
        corner, mask, colour = _ground_strip(page, place)
        stroke = Image.new("L", mask.size)
        ImageDraw.Draw(stroke).rectangle((0, 0, page.size, round(page.units(2.0))), fill=255)
        _paste(page, _mix(BOARD, colour, 0.35), corner, _cut(hatch, corner, mask))
        _paste(page, _mix(colour, (245, 245, 240), 0.3), corner, _cut(tooth, corner, stroke))
    for role, colour, shapes, frame in _parts(things):
        masks = page.masks(shapes, frame, 1.8)
        if not masks:
            continue
        corner, filled, outline, outer = masks
        flat = role_colour(role, colour)
        chalk = _mix(flat, (250, 250, 245), 0.3) if role != "dark" else (200, 205, 200)
        _paste(page, BOARD, corner, outer)
        if role != "dark":
            _paste(page, _mix(BOARD, chalk, 0.8), corner, _cut(hatch, corner, filled))
        _paste(page, chalk, corner, _cut(tooth, corner, outline))
    return page.finish()


BLUE, PALE = (28, 62, 138), (214, 230, 250)


def _blueprint(things, place, time, side):
    page = Page(side, BLUE)
    for i in range(0, side, 16):
        for horizontal in (False, True):
            at = i * SCALE
            bar = (0, at, page.size, at + SCALE - 1) if horizontal else (at, 0, at + SCALE - 1, page.size)
            page.draw.rectangle(bar, fill=_mix(BLUE, PALE, 0.2))
    if place:
        corner, mask, _ = _ground_strip(page, place)
        _paste(page, _mix(BLUE, PALE, 0.15), corner, mask)
        page.draw.rectangle((0, corner[1], page.size, corner[1] + round(page.units(1.4))), fill=PALE)
    for role, colour, shapes, frame in _parts(things):
        masks = page.masks(shapes, frame, 1.4)
        if masks:
            corner, filled, outline, _ = masks
            luminance = sum(role_colour(role, colour)) / 765.0
            _paste(page, _mix(BLUE, PALE, 0.06 + 0.3 * luminance), corner, filled)
            _paste(page, PALE, corner, outline)
    return page.finish()


PAPER, INK_WARM, INK_COOL, INK_DARK = (246, 240, 222), (250, 82, 108), (0, 128, 140), (58, 50, 92)
# What each colour is printed with: (ink, screen in eighths).
RISO = {
    "red": (INK_WARM, 8), "orange": (INK_WARM, 5), "pink": (INK_WARM, 3), "yellow": (INK_WARM, 2), "green": (INK_COOL, 5),
    "blue": (INK_COOL, 8), "purple": (INK_DARK, 5), "brown": (INK_DARK, 8), "": (INK_COOL, 8),
}
RISO_ROLES = {
    "trunk": (INK_DARK, 5), "light": (INK_WARM, 0), "dark": (INK_DARK, 8), "leaf": (INK_COOL, 5), "beak": (INK_WARM, 5),
    "robot": (INK_COOL, 8), "metal": (INK_DARK, 3), "signal": (INK_WARM, 8), "white": (INK_WARM, 0), "shade": (INK_DARK, 5),
}
MISREGISTER = 1.5


def _print(page, corner, mask, ink, eighths):
    _paste(page, PAPER, corner, mask)
    if eighths == 8:
        _paste(page, ink, corner, mask)
    elif eighths:
        screen = _texture(f"screen{eighths}", page.size, _screen(eighths / 8.0))
        _paste(page, ink, corner, _cut(screen, corner, mask))


def _risograph(things, place, time, side):
    page = Page(side, PAPER)
    if place:
        corner, mask, _ = _ground_strip(page, place)
        ink = INK_WARM if place == "on the sand" else INK_COOL
        _print(page, corner, mask, ink, {"on the grass": 3, "by the water": 5, "in the snow": 1, "on the sand": 2}[place])
    for role, colour, shapes, (left, bottom, width, height) in _parts(things):
        ink = RISO[colour] if role == "main" else RISO_ROLES[role]
        moved = page.masks(shapes, (left + MISREGISTER, bottom + MISREGISTER, width, height), 0.0)
        edges = page.masks(shapes, (left, bottom, width, height), 1.0)
        if moved:
            _print(page, moved[0], moved[1], *ink)
        if edges and role == "main":
            _paste(page, INK_DARK, edges[0], edges[2])
    return page.finish()


_DRAW = {"flat": _flat, "chalk": _chalk, "blueprint": _blueprint, "risograph": _risograph}


def draw(things, place, time, style, side=128):
    """Draws placed things in a style, as an RGB picture of `side` by `side` pixels."""
    if style not in _DRAW:
        raise ValueError(f"style {style!r} is unknown: one of {', '.join(STYLES)}")
    return _DRAW[style](things, place, time, side)
