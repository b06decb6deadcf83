#!/usr/bin/env python3
"""Draws the dashboard of a workspace as an SVG picture, for the README.

usage: dashboard_picture.py LORADECK WORKSPACE OUT.svg [KEYS]

Runs the dashboard in a pseudo-terminal of 120 × 34 cells, types KEYS, and draws what is on the screen one second later.
Needs pyte (PyPI), a terminal emulator.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from html import escape
from itertools import groupby

import pyte

COLUMNS, LINES = 120, 34
CELL_WIDTH, CELL_HEIGHT, FONT_SIZE, MARGIN = 12.2, 24.4, 20, 12
BACKGROUND, FOREGROUND = "#292929", "#c5c8c6"
# The 8 basic colours by pyte's names; all others come as six hexadecimal digits.
NAMED = {
    "black": "#4b4e55", "red": "#cc555a", "green": "#98a84b", "brown": "#d0b344",
    "blue": "#608ab1", "magenta": "#98729f", "cyan": "#68a0b3", "white": "#c5c8c6",
}


def read_for(terminal, stream, seconds):
    """Feeds the emulator with what the program writes."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                return
            stream.feed(data)


def screen_of(program, workspace, keys):
    """Returns the screen of the dashboard after `keys`."""
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    child, terminal = pty.fork()
    if child == 0:
        environment = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        for name in ("COLORTERM", "NO_COLOR", "TMUX"):
            environment.pop(name, None)
        os.chdir(workspace)
        os.execve(program, [program], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    read_for(terminal, stream, 3)
    for key in keys:
        os.write(terminal, key.encode())
        read_for(terminal, stream, 0.3)
    read_for(terminal, stream, 1)
    os.kill(child, signal.SIGTERM)
    os.waitpid(child, 0)
    return screen


def colour(name, otherwise):
    if name == "default":
        return otherwise
    return NAMED.get(name) or (f"#{name}" if len(name) == 6 else NAMED.get(name.removeprefix("bright"), otherwise))


def style_of(cell):
    front, back = colour(cell.fg, FOREGROUND), colour(cell.bg, BACKGROUND)
    return (back, front, cell.bold) if cell.reverse else (front, back, cell.bold)


def is_braille(sign):
    return 0x2800 <= ord(sign) <= 0x28FF


def dots_of(text, x, y):
    """Returns the path of the dots of braille signs, which few fonts have: points of no length with round ends."""
    across, down = CELL_WIDTH / 2, CELL_HEIGHT / 4
    # Bits 0 to 5 run down the left and the right column of three; 6 and 7 are the fourth row.
    places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]
    return "".join(
        f"M{x + at * CELL_WIDTH + (column + 0.5) * across:.1f} {y + (row + 0.5) * down:.1f}h0"
        for at, sign in enumerate(text)
        if is_braille(sign)
        for bit, (column, row) in enumerate(places)
        if ord(sign) >> bit & 1
    )


def drawn(screen):
    """Returns the SVG text: one rectangle per coloured stretch, one text per stretch of one style."""
    width, height = COLUMNS * CELL_WIDTH + 2 * MARGIN, LINES * CELL_HEIGHT + 2 * MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" role="img">',
        "<title>The loradeck dashboard</title>",
        f'<rect width="{width:.1f}" height="{height:.1f}" rx="8" fill="{BACKGROUND}"/>',
        f'<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="{FONT_SIZE}" xml:space="preserve">',
    ]
    for line in range(LINES):
        cells = [screen.buffer[line][column] for column in range(COLUMNS)]
        column = 0
        for (front, back, bold), stretch in groupby(cells, style_of):
            text = "".join(cell.data or " " for cell in stretch)
            x, y = MARGIN + column * CELL_WIDTH, MARGIN + line * CELL_HEIGHT
            length = len(text) * CELL_WIDTH
            column += len(text)
            if back != BACKGROUND:
                out.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{length:.1f}" height="{CELL_HEIGHT}" fill="{back}"/>')
            if dots := dots_of(text, x, y):
                out.append(f'<path d="{dots}" stroke="{front}" stroke-width="3.2" stroke-linecap="round"/>')
            # A place for each character: fonts that stand in for missing signs have other widths.
            shown = [(x + at * CELL_WIDTH, sign) for at, sign in enumerate(text) if sign != " " and not is_braille(sign)]
            if shown:
                places = " ".join(f"{place:.1f}" for place, _ in shown)
                weight = ' font-weight="bold"' if bold else ""
                signs = escape("".join(sign for _, sign in shown))
                out.append(f'<text x="{places}" y="{y + 19:.1f}" fill="{front}"{weight}>{signs}</text>')
    return "\n".join([*out, "</g>", "</svg>", ""])


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    program, workspace, out = (os.path.abspath(path) for path in sys.argv[1:4])
    screen = screen_of(program, workspace, sys.argv[4] if len(sys.argv) == 5 else "")
    with open(out, "w", encoding="utf-8") as file:
        file.write(drawn(screen))
    print("\n".join(screen.display))


if __name__ == "__main__":
    main()
