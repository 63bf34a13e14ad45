"""Runs the chosen rows: builds, checks, times, and hands the results to the report."""

from __future__ import annotations

import contextlib
import gc
import json
import sys
from dataclasses import dataclass, field
from typing import Any

from benchmarks import child, machine, report
from benchmarks.check import difference, flat
from benchmarks.engines import Engine, load
from benchmarks.options import FULL, Options
from benchmarks.roof import Roof, measure
from benchmarks.row import Row, Work, selected
from benchmarks.timing import Timing, alternate

# A library that lacks an operation says so with one of these.
_MISSING = (AttributeError, NotImplementedError, ImportError)
_REFERENCES = ("torch", "numpy", "jax", "pygrad")


@dataclass
class Result:
    """One row's outcome.

    Attributes:
        status: "ok"; "missing op: ..." or "error: ..." or "wrong: ..." of the subject, with the
            reason; "skipped: ..." where the run's settings rule the row out.
        notes: engine's name to why it has no figure.
        times: seconds per run; of all engines that were timed, the subject among them.
        values: for rows in another unit than time: the engines' values.
        reference: the engine whose result the others were compared with; "" if there is none.
    """

    row: Row
    status: str = "ok"
    notes: dict[str, str] = field(default_factory=dict)
    times: dict[str, Timing] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)
    reference: str = ""
    flops: float = 0.0
    bytes: float = 0.0
    dtype: str = "float32"

    @property
    def failed(self) -> bool:
        return self.status.startswith(("error", "wrong"))


@dataclass
class Suite:
    """A whole run."""

    options: Options
    machine: dict[str, Any]
    versions: dict[str, str]
    roof: Roof
    results: list[Result]


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}"[:160]


def _why(error: Exception) -> str:
    return ("missing op: " if isinstance(error, _MISSING) else "error: ") + _reason(error)


def _checked(row: Row, engines: dict[str, Engine], result: Result, subject: str) -> dict[str, Work]:
    """Builds every engine's work and drops those whose results are wrong, with a note."""
    works: dict[str, Work] = {}
    outcomes: dict[str, list[Any]] = {}
    for name, engine in engines.items():
        try:
            work = row.work(engine)
            if work is None:
                if name == subject:
                    result.notes[name] = f"missing op: the row has no {name} variant"
                continue
            outcomes[name] = flat((work.check or work.run)())
            works[name] = work
        except Exception as error:
            result.notes[name] = _why(error)
    candidates = [n for n in _REFERENCES if n in works and n != subject]
    result.reference = candidates[0] if candidates else ""
    for name, work in list(works.items()):
        wrong = None
        if work.compare is not None:
            wrong = work.compare(outcomes[name])
        elif result.reference and name != result.reference:
            wrong = difference(outcomes[name], outcomes[result.reference], work.tol)
        if wrong:
            result.notes[name] = f"wrong: {wrong}"
            _close(works.pop(name))
    return works


def _close(work: Work) -> None:
    if work.close is not None:
        work.close()


def run_row(row: Row, engines: dict[str, Engine], options: Options) -> Result:
    """Builds, checks and times one row; never raises for what an engine does."""
    result = Result(row)
    if row.measure is not None:
        for name in engines:
            try:
                value = row.measure(name, options.effort is not FULL)
            except Exception as error:
                result.notes[name] = _why(error)
                continue
            if value is not None:
                result.values[name] = value
    elif row.busy and (options.threads < 2 or machine.cpus() < 2):
        result.status = "skipped: needs two threads and two processors"
        return result
    else:
        works = _checked(row, engines, result, options.subject)
        if options.subject in works:
            work = works[options.subject]
            result.flops, result.bytes, result.dtype = work.flops, work.bytes, work.dtype
            with child.busy_process() if row.busy else contextlib.nullcontext():
                result.times = _timed(works, options, result)
        for work in works.values():
            _close(work)
        if row.peak and not options.tiny:
            for name in result.times:
                try:
                    result.peaks[name] = child.peak_mb(name, row.name, options.threads)
                except Exception as error:
                    result.notes.setdefault(name, "peak memory: " + _reason(error))
    if options.subject not in (*result.times, *result.values):
        result.status = result.notes.get(options.subject, "missing op: no figure")
    return result


def _timed(works: dict[str, Work], options: Options, result: Result) -> dict[str, Timing]:
    try:
        return alternate(works, options.effort, options.threads)
    except Exception as error:  # what ran once may still fail when repeated
        result.notes[options.subject] = _why(error)
        return {}


def _load_engines(options: Options) -> dict[str, Engine]:
    engines = {}
    for name in dict.fromkeys((options.subject, *options.peers)):
        try:
            engines[name] = load(name, options.threads, options.tiny, options.precision)
        except ImportError as error:
            raise SystemExit(f"python -m benchmarks: {error}") from error
    return engines


def collect(options: Options) -> Suite:
    """Runs the rows that the options select, with progress on standard error."""
    chosen = selected(options.groups, options.rows)
    if not chosen:
        raise SystemExit(f"python -m benchmarks: no row matches {options.rows!r}; see --list")
    engines = _load_engines(options)
    gc.freeze()  # a full collection over what the engines imported would cost more than most rows
    print("measuring the roof ...", file=sys.stderr, flush=True)
    suite = Suite(
        options=options,
        machine=machine.describe(),
        versions={name: engine.version for name, engine in engines.items()},
        roof=measure(engines.values(), options.threads, options.effort, options.tiny),
        results=[],
    )
    for number, row in enumerate(chosen, 1):
        result = run_row(row, engines, options)
        suite.results.append(result)
        line = report.progress_line(result, options.subject)
        print(f"[{number}/{len(chosen)}] {line}", file=sys.stderr, flush=True)
    for result in suite.results:  # no row shall read as above the roof for want of a probe
        if result.row.group == "matmul" and result.flops:
            for name, timing in result.times.items():
                rate = result.flops / timing.fastest
                suite.roof.observe_gemm(result.dtype, rate, f"{name} {result.row.name}")
    return suite


def run_suite(options: Options) -> int:
    """Runs, prints, writes the files asked for.

    Returns:
        The exit status: 1 if pygrad (the subject) failed in a row or its result was wrong.
    """
    if options.list:
        for row in selected(options.groups, options.rows):
            variants = ", ".join(row.variants)
            print(f"{row.group:9} {row.name:34} {variants}")
        return 0
    if options.budget:
        from benchmarks import budget

        return budget.run(refresh=options.budget == "refresh")
    suite = collect(options)
    print(report.text(suite))
    if options.json is not None:
        options.json.write_text(json.dumps(report.as_dict(suite), indent=1) + "\n")
    if options.plot is not None:
        from benchmarks.plot import write

        write(suite, options.plot)
    return 1 if any(result.failed for result in suite.results) else 0
