"""A log-scale plot of every row's ratios: as SVG, written here, or PNG, by matplotlib."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from benchmarks.report import ratio

if TYPE_CHECKING:
    from benchmarks.runner import Suite

_COLOURS = {"torch": "#d1495b", "numpy": "#30638e", "jax": "#3d8b5a", "pygrad": "#8a5a9e"}
_LINE, _LABELS, _WIDTH, _TOP = 15, 250, 640, 56  # pixels

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


def svg(suite: Suite) -> str:
    """The plot as the text of an SVG file."""
    entries = _entries(suite)
    values = [v for _, _, points in entries for v in points.values()] or [1.0]
    low = math.floor(math.log10(min(*values, 0.5)))
    high = math.ceil(math.log10(max(*values, 10.0)))
    height = _TOP + _LINE * len(entries) + 24

    def x(value: float) -> float:
        return _LABELS + (math.log10(value) - low) / (high - low) * _WIDTH

    size = f'width="{_LABELS + _WIDTH + 30}" height="{height}"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="8" y="18" font-size="13" font-weight="bold">{escape(_title(suite))}</text>',
    ]
    for position, peer in enumerate(suite.options.peers):
        left = _LABELS + 90 * position
        out.append(f'<circle cx="{left}" cy="32" r="4" fill="{_COLOURS[peer]}"/>')
        out.append(f'<text x="{left + 9}" y="36">{peer}</text>')
    for exponent in range(low, high + 1):
        for step in (1, 2, 5) if exponent < high else (1,):
            value = step * 10.0**exponent
            weight = "#000" if value == 1 else "#bbb" if step == 1 else "#e6e6e6"
            out.append(
                f'<line x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{_TOP}" y2="{height - 20}" '
                f'stroke="{weight}"/>'
            )
            out.append(
                f'<text x="{x(value):.1f}" y="{height - 6}" text-anchor="middle" fill="#666">'
                f"{value:g}</text>"
            )
    for line, (is_group, name, points) in enumerate(entries):
        y = _TOP + _LINE * line + 11
        style = ' font-weight="bold"' if is_group else ""
        left = 8 if is_group else 20
        out.append(f'<text x="{left}" y="{y}"{style}>{escape(name)}</text>')
        for peer, value in points.items():
            out.append(
                f'<circle cx="{x(value):.1f}" cy="{y - 4}" r="3.5" fill="{_COLOURS[peer]}">'
                f"<title>{escape(name)}: {peer} {value:.2f}</title></circle>"
            )
    return "\n".join([*out, "</svg>", ""])


def _png(suite: Suite, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    entries = _entries(suite)
    picture, axes = pyplot.subplots(figsize=(9, 1.2 + 0.16 * len(entries)), layout="constrained")
    for peer in suite.options.peers:
        lines = [(k, points[peer]) for k, (_, _, points) in enumerate(entries) if peer in points]
        axes.scatter([v for _, v in lines], [k for k, _ in lines], s=14, label=peer,
                     color=_COLOURS[peer])  # fmt: skip
    axes.set_xscale("log")
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_yticks(range(len(entries)), [name for _, name, _ in entries], fontsize=7)
    for label, (is_group, _, _) in zip(axes.get_yticklabels(), entries, strict=True):
        label.set_fontweight("bold" if is_group else "normal")
    axes.set_ylim(len(entries), -1)  # the first row on top
    axes.grid(True, axis="x", which="both", linewidth=0.3)
    axes.set_title(_title(suite), fontsize=10)
    axes.legend(loc="upper right")
    picture.savefig(path, dpi=130)


def write(suite: Suite, path: Path) -> None:
    """Writes the plot; the file's suffix chooses the format.

    Raises:
        ImportError: a PNG was asked for and matplotlib is not installed.
    """
    if path.suffix == ".png":
        _png(suite, path)
    else:
        path.write_text(svg(suite), encoding="utf-8")
