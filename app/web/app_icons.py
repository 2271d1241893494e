"""The seal as home screens and task bars want it: PNGs, drawn from `favicon.svg` when the bundles are built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

GROUND, RING, TICK = "#2e388f", "#ffffff", "#7fe0ab"
ROUND, SQUARE = 7, 0  # the corners of the ground, of 32
# What a mask leaves of an icon is a circle of four fifths: the seal of a maskable one lies well inside.
WIDE, NARROW = 0.7, 0.6

# Each by name: its pixels, its corners, and how much of it the seal takes.
ICONS = {
    "icon-192.png": (192, ROUND, WIDE),
    "icon-512.png": (512, ROUND, WIDE),
    "maskable-192.png": (192, SQUARE, NARROW),
    "maskable-512.png": (512, SQUARE, NARROW),
    "apple-180.png": (180, SQUARE, WIDE),
}


def drawn(seal: Path) -> Iterator[tuple[str, bytes]]:
    """Each icon by name, as PNG. `seal` is a drawing of 32 by 32 whose paths are the ring and the tick."""
    draw = import_module("resvg_py").svg_to_bytes  # loaded here: whoever serves pages draws nothing
    ring, tick = re.findall(r'<path[^>]* d="([^"]+)"', seal.read_text("utf-8"))
    for name, (pixels, corners, part) in ICONS.items():
        yield name, bytes(draw(_tile(ring, tick, corners, part), width=pixels, height=pixels))


def _tile(ring: str, tick: str, corners: int, part: float) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<rect width="32" height="32" rx="{corners}" fill="{GROUND}"/>'
        f'<g transform="translate(16 16) scale({part}) translate(-16 -16)" fill="none" stroke-width="4"'
        ' stroke-linecap="round" stroke-linejoin="round">'
        f'<path stroke="{RING}" d="{ring}"/><path stroke="{TICK}" d="{tick}"/></g></svg>'
    )
