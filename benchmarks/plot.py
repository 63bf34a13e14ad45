"""A log-scale plot of every row's ratios, as SVG or PNG."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from benchmarks.png import Picture
from benchmarks.report import ratio

if TYPE_CHECKING:
    from benchmarks.runner import Suite

_COLOURS = {"torch": "#d1495b", "numpy": "#30638e", "jax": "#3d8b5a", "pygrad": "#8a5a9e"}
_LINE, _LABELS, _WIDTH, _TOP = 15, 290, 640, 56  # units of the drawing

# (group or None for a row, name, ratio by peer)
_Entry = tuple[bool, str, dict[str, float]]


def _entries(suite: Suite) -> list[_Entry]:
    entries: list[_Entry] = []
    group = ""
    for result in suite.results:
        found = {p: ratio(result, p, suite.options.subject) for p in suite.options.peers}
        points = {p: v for p, v in found.items() if v}
        if not points:
            continue
        if result.row.group != group:
            group = result.row.group
            entries.append((True, group, {}))
        entries.append((False, result.row.name, points))
    return entries


def _title(suite: Suite) -> str:
    count = suite.options.threads
    return (
        f"Peer's time over {suite.options.subject}'s, {count} thread{'s' if count > 1 else ''} "
        f"(right of 1: {suite.options.subject} is faster)"
    )


class _Layout:
    """Where everything lies."""

    def __init__(self, suite: Suite) -> None:
        self.entries = _entries(suite)
        values = [v for _, _, points in self.entries for v in points.values()] or [1.0]
        self._low = math.floor(math.log10(min(*values, 0.5)))
        self._high = math.ceil(math.log10(max(*values, 10.0)))
        self.width = _LABELS + _WIDTH + 30
        self.height = _TOP + _LINE * len(self.entries) + 24

    def x(self, value: float) -> float:
        """A ratio's place."""
        return _LABELS + (math.log10(value) - self._low) / (self._high - self._low) * _WIDTH

    def y(self, line: int) -> int:
        """An entry's line of text."""
        return _TOP + _LINE * line + 11

    def marks(self) -> list[tuple[float, str]]:
        """The scale's ratios, and the colours of their lines."""
        marks = []
        for exponent in range(self._low, self._high + 1):
            for step in (1, 2, 5) if exponent < self._high else (1,):
                value = step * 10.0**exponent
                colour = "#000000" if value == 1 else "#bbbbbb" if step == 1 else "#e6e6e6"
                marks.append((value, colour))
        return marks


def svg(suite: Suite) -> str:
    """The plot as the text of an SVG file."""
    layout = _Layout(suite)
    size = f'width="{layout.width}" height="{layout.height}"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="8" y="18" font-size="13" font-weight="bold">{escape(_title(suite))}</text>',
    ]
    for position, peer in enumerate(suite.options.peers):
        left = _LABELS + 90 * position
        out.append(f'<circle cx="{left}" cy="32" r="4" fill="{_COLOURS[peer]}"/>')
        out.append(f'<text x="{left + 9}" y="36">{peer}</text>')
    for value, colour in layout.marks():
        x = f"{layout.x(value):.1f}"
        bottom = layout.height - 20
        out.append(f'<line x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}" stroke="{colour}"/>')
        out.append(
            f'<text x="{x}" y="{bottom + 14}" text-anchor="middle" fill="#666666">{value:g}</text>'
        )
    for line, (is_group, name, points) in enumerate(layout.entries):
        y = layout.y(line)
        style = ' font-weight="bold"' if is_group else ""
        out.append(f'<text x="{8 if is_group else 20}" y="{y}"{style}>{escape(name)}</text>')
        for peer, value in points.items():
            out.append(
                f'<circle cx="{layout.x(value):.1f}" cy="{y - 4}" r="3.5" fill="{_COLOURS[peer]}">'
                f"<title>{escape(name)}: {peer} {value:.2f}</title></circle>"
            )
    return "\n".join([*out, "</svg>", ""])


def png(suite: Suite) -> bytes:
    """The plot as the bytes of a PNG file."""
    layout = _Layout(suite)
    picture = Picture(layout.width, layout.height)
    picture.text(8, 18, _title(suite), "#000000", bold=True)
    for position, peer in enumerate(suite.options.peers):
        left = _LABELS + 90 * position
        picture.dot(left, 32, 4, _COLOURS[peer])
        picture.text(left + 9, 36, peer, "#000000")
    for value, colour in layout.marks():
        picture.vertical(layout.x(value), _TOP, layout.height - 20, colour)
        label = f"{value:g}"
        picture.text(layout.x(value) - 3 * len(label), layout.height - 6, label, "#666666")
    for line, (is_group, name, points) in enumerate(layout.entries):
        y = layout.y(line)
        picture.text(8 if is_group else 20, y, name, "#000000", bold=is_group)
        for peer, value in points.items():
            picture.dot(layout.x(value), y - 4, 3.5, _COLOURS[peer])
    return picture.png()


def write(suite: Suite, path: Path) -> None:
    """Writes the plot; the file's suffix chooses the format."""
    if path.suffix == ".png":
        path.write_bytes(png(suite))
    else:
        path.write_text(svg(suite), encoding="utf-8")
