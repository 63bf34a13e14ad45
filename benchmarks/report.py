"""Turns results into Markdown tables and JSON; what pygrad loses comes first."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.runner import Result, Suite

_SHORTEST_BOUND = 1e-6  # seconds: below, a call's overhead rules and the fraction says nothing


def geometric_mean(values: Iterable[float]) -> float | None:
    """The geometric mean of positive numbers, None of none."""
    logs = [math.log(v) for v in values]
    return math.exp(math.fsum(logs) / len(logs)) if logs else None


def _short(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value >= 100 or value == 0:
        return f"{value:.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}"


def figure(result: Result, engine: str) -> float | None:
    """An engine's figure in the row's unit: microseconds for timed rows."""
    if engine in result.times:
        return result.times[engine].median * 1e6
    return result.values.get(engine)


def ratio(result: Result, peer: str, subject: str) -> float | None:
    """The peer's figure over the subject's: above 1, the subject is ahead.

    Of times, the median over the rounds of each round's ratio: what slows a whole round cancels.
    """
    if peer in result.times and subject in result.times:
        return statistics.median(result.times[peer].over(result.times[subject]))
    if peer in result.values and result.values.get(subject):
        return result.values[peer] / result.values[subject]
    return None


def fraction(result: Result, suite: Suite, engine: str) -> float | None:
    """The row's bound over the engine's time; None for bounds too short to mean anything."""
    seconds, _ = suite.roof.bound(result.flops, result.bytes, result.dtype)
    if engine not in result.times or seconds < _SHORTEST_BOUND:
        return None
    return seconds / result.times[engine].median


def progress_line(result: Result, subject: str) -> str:
    """One line on a finished row."""
    name = result.row.name
    if result.status != "ok":
        return f"{name}: {result.status}"
    engines = {**result.times, **result.values}
    figures = [f"{e} {_short(figure(result, e) or 0)}" for e in engines]
    unit = "" if result.row.unit == "us" else " " + result.row.unit
    notes = [f"{engine}: {note}" for engine, note in result.notes.items()]
    return f"{name}{unit}: " + "; ".join([", ".join(figures), *notes])


def losses(suite: Suite) -> list[tuple[float, str, Result]]:
    """The rows in which a peer is ahead: (ratio, peer, result), the furthest behind first."""
    subject = suite.options.subject
    found = []
    for result in suite.results:
        for peer in suite.options.peers:
            value = ratio(result, peer, subject)
            if value is not None and value < 1.0:
                found.append((value, peer, result))
    return sorted(found, key=lambda entry: entry[0])


def group_means(suite: Suite) -> dict[str, dict[str, float]]:
    """Each group's geometric means: of the ratio to each peer, and of the fraction of the bound."""
    means: dict[str, dict[str, float]] = {}
    for group in suite.options.groups:
        rows = [r for r in suite.results if r.row.group == group]
        entry: dict[str, float] = {}
        for peer in suite.options.peers:
            ratios = [ratio(r, peer, suite.options.subject) for r in rows]
            mean = geometric_mean(v for v in ratios if v)
            if mean is not None:
                entry[peer] = mean
        fractions = [fraction(r, suite, suite.options.subject) for r in rows]
        mean = geometric_mean(v for v in fractions if v)
        if mean is not None:
            entry["fraction_of_bound"] = mean
        if rows:
            means[group] = entry
    return means


def _table(header: list[str], lines: list[list[str]]) -> str:
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *lines))


def _head(suite: Suite) -> str:
    machine, options = suite.machine, suite.options
    cache = ", ".join(f"{k} {v >> 10} KiB" for k, v in machine["caches"].items())
    versions = ", ".join(f"{name} {version}" for name, version in suite.versions.items())
    peak = ", ".join(
        f"{dtype} {best.rate / 1e9:.0f} GFLOP/s" for dtype, best in suite.roof.flops.items()
    )
    gemm = ", ".join(
        f"{dtype} {best.rate / 1e9:.0f} GFLOP/s ({best.by})"
        for dtype, best in suite.roof.gemm.items()
    )
    stream = ", ".join(
        f"{level} {best.rate / 1e9:.0f} GB/s ({best.by})"
        for level, best in suite.roof.bandwidth.items()
    )
    load = machine["load_average"][0]
    threads = f"{options.threads} thread{'s' if options.threads > 1 else ''}"
    title = f"# {options.subject} and its peers, {threads}"
    machine_text = (
        f"{machine['processor']} ({', '.join(machine['features'])}), {machine['cpus']} "
        f"processors, {cache}; {machine['system']}, Python {machine['python']}; {versions}; "
        f"float32 matmul precision {options.precision}. Load at the start: {load:.1f}. "
        f"{machine['date']}."
    )
    roof_text = (
        f"Multiply-adds on registers alone: {peak or 'not measured'}.\n"
        f"Best matrix product of any engine: {gemm}.\nBest copy, add or sum of any engine "
        f"by the level that holds the arrays: {stream}."
    )
    lines = [title, machine_text, roof_text]
    if options.tiny:
        lines.append("**Smallest sizes: these figures say that rows run, nothing of speed.**")
    if load > machine["cpus"] / 2:
        lines.append("**The machine was busy with other work: figures are rough.**")
    return "\n\n".join(lines)


def _troubles(suite: Suite) -> list[str]:
    subject, parts = suite.options.subject, []
    lost = losses(suite)
    if lost:
        lines = [
            [r.row.name, peer, _short(figure(r, subject) or 0), _short(figure(r, peer) or 0),
             r.row.unit, f"{value:.2f}"]
            for value, peer, r in lost
        ]  # fmt: skip
        header = ["row", "peer", subject, "peer's", "unit", "peer / " + subject]
        parts += [f"## Rows where {subject} loses", _table(header, lines)]
    elif suite.options.peers:
        parts.append(f"{subject} loses no row.")
    failed = [r for r in suite.results if r.status != "ok"]
    if failed:
        parts += [
            f"## Rows without a figure for {subject}",
            "\n".join(f"- `{r.row.name}`: {r.status}" for r in failed),
        ]
    notes = [
        f"- `{r.row.name}`, {engine}: {note}"
        for r in suite.results
        for engine, note in r.notes.items()
        if not (engine == subject and r.status != "ok")
    ]
    if notes:
        parts += ["## Peers left out of a row", "\n".join(notes)]
    return parts


def _group_table(suite: Suite, group: str) -> str:
    subject, peers = suite.options.subject, suite.options.peers
    results = [r for r in suite.results if r.row.group == group]
    engines = (subject, *peers)
    peaks = any(r.peaks for r in results)
    header = ["row", *engines, "spread", *(f"{p} / {subject}" for p in peers)]
    header += ["GFLOP/s", "GB/s", "bound", *(f"{e} of it" for e in engines)]
    header += [f"{e} peak MB" for e in engines] if peaks else []
    lines = []
    for r in results:
        unit = "" if r.row.unit == "us" else f" ({r.row.unit})"
        cells = [r.row.name + unit]
        for engine in engines:
            value = figure(r, engine)
            cells.append("–" if value is None else _short(value))
        timing = r.times.get(subject)
        cells.append(
            f"{_short(timing.fastest * 1e6)}–{_short(timing.slowest * 1e6)}" if timing else "–"
        )
        for peer in peers:
            value = ratio(r, peer, subject)
            cells.append("–" if value is None else f"{value:.2f}")
        cells += [
            _short(amount / timing.median / 1e9) if timing and amount else "–"
            for amount in (r.flops, r.bytes)
        ]
        cells.append(suite.roof.bound(r.flops, r.bytes, r.dtype)[1] or "–")
        for engine in engines:
            part = fraction(r, suite, engine)
            cells.append("–" if part is None else f"{part:.0%}")
        if peaks:
            cells += [_short(r.peaks[e]) if e in r.peaks else "–" for e in engines]
        lines.append(cells)
    return _table(header, lines)


def text(suite: Suite) -> str:
    """The whole report in Markdown; times in microseconds."""
    parts = [_head(suite), *_troubles(suite), "## Geometric means"]
    means = group_means(suite)
    peers = suite.options.peers
    lines = [
        [group, str(sum(r.row.group == group for r in suite.results)),
         *(f"{entry[p]:.2f}" if p in entry else "–" for p in peers),
         f"{entry['fraction_of_bound']:.0%}" if "fraction_of_bound" in entry else "–"]
        for group, entry in means.items()
    ]  # fmt: skip
    subject = suite.options.subject
    parts.append(
        _table(["group", "rows", *(f"{p} / {subject}" for p in peers), "of the bound"], lines)
    )
    for group in means:
        parts += [f"## {group}", _group_table(suite, group)]
    alone = {r.row.name: r for r in suite.results}
    for result in suite.results:
        quiet = alone.get(result.row.name.removesuffix("_beside_busy_process"))
        if result.row.busy and result.times and quiet is not None and quiet.times:
            slower = ", ".join(
                f"{e} {result.times[e].median / quiet.times[e].median:.2f}"
                for e in result.times if e in quiet.times
            )  # fmt: skip
            parts.append(f"`{quiet.row.name}` beside a busy process, over alone: {slower}.")
    return "\n\n".join(parts)


def as_dict(suite: Suite) -> dict[str, Any]:
    """The run for a JSON file."""
    options = suite.options
    entries = []
    for r in suite.results:
        seconds, by = suite.roof.bound(r.flops, r.bytes, r.dtype)
        entries.append({
            "group": r.row.group,
            "row": r.row.name,
            "status": r.status,
            "unit": r.row.unit,
            "figures": {e: figure(r, e) for e in (*r.times, *r.values)},
            "samples_us": {e: [s * 1e6 for s in t.samples] for e, t in r.times.items()},
            "runs_per_sample": {e: t.inner for e, t in r.times.items()},
            "ratios": {p: ratio(r, p, options.subject) for p in options.peers},
            "peak_mb": r.peaks,
            "checked_against": r.reference,
            "notes": r.notes,
            "flops": r.flops,
            "bytes": r.bytes,
            "dtype": r.dtype,
            "bound_us": seconds * 1e6,
            "bound_by": by,
            "fractions": {e: fraction(r, suite, e) for e in r.times},
        })  # fmt: skip
    return {
        "machine": suite.machine,
        "versions": suite.versions,
        "settings": {
            "subject": options.subject,
            "peers": list(options.peers),
            "threads": options.threads,
            "matmul_precision": options.precision,
            "seconds_per_row": options.effort.seconds,
            "tiny": options.tiny,
        },
        "roof": suite.roof.as_dict(),
        "groups": group_means(suite),
        "rows": entries,
    }
