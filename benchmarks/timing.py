"""Alternating measurement: the engines take turns, so that a slow moment hits all of them."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat

from benchmarks.options import Effort
from benchmarks.row import Statement, Work

_LEAST_SAMPLE = 2e-4  # seconds: far above the clock's own cost
_SLOW = 0.05  # seconds: a single run this long needs no untimed one before it


@dataclass(frozen=True)
class Timing:
    """An engine's times for one row, in seconds per run.

    Attributes:
        samples: one per round, in order, so that those of two engines pair up.
        inner: how many runs each sample holds.
    """

    samples: tuple[float, ...]
    inner: int

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def fastest(self) -> float:
        return min(self.samples)

    @property
    def slowest(self) -> float:
        return max(self.samples)

    def over(self, other: Timing) -> list[float]:
        """This engine's time over the other's, round by round."""
        return [a / b for a, b in zip(self.samples, other.samples, strict=True)]


def _timer(work: Work, clock: Callable[[], float]) -> Callable[[int], float]:
    """A function that runs the work n times and returns the seconds they took."""
    run = work.run
    if isinstance(run, Statement):
        statement = run
        return lambda n: float(statement.loop(repeat(None, n), clock, **statement.names))

    def loop(n: int) -> float:
        turns = repeat(None, n)
        start = clock()
        for _ in turns:
            run()
        return clock() - start

    return loop


def _calibrate(timer: Callable[[int], float]) -> float:
    """Seconds per run, roughly; the first runs also warm caches, pools and pages."""
    n = 1
    while True:
        seconds = timer(n)
        if seconds >= _LEAST_SAMPLE:
            # A lone first run includes what happens only once; a short one is cheap to repeat.
            return timer(1) if n == 1 and seconds < _SLOW else seconds / n
        n *= 8


def _settle(shortest: float) -> None:
    """Sleeps until the threads of the engine that ran last have gone to sleep as well.

    Idle workers go on spinning for a while (OpenBLAS's for some 30 ms) and would hold a processor
    that the next engine's thread needs.
    """
    give_up = time.perf_counter() + 0.5
    while shortest > 0:
        used = time.process_time()
        time.sleep(shortest)
        if time.process_time() - used < 0.1 * shortest or time.perf_counter() > give_up:
            return


def alternate(
    works: dict[str, Work],
    effort: Effort,
    threads: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Timing]:
    """Times the works in turn, the order reversed every other round.

    Args:
        works: engine's name to its work; all of them do the same.
        effort: how long to measure.
        threads: with more than one, the last engine's threads are waited for before another runs.
        clock: in seconds; one of processor time leaves out what other processes take.

    Returns:
        The timings, with as many samples for each engine.
    """
    timers = {name: _timer(work, clock) for name, work in works.items()}
    gc.collect()
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        once = {name: max(_calibrate(timer), 1e-9) for name, timer in timers.items()}
        affordable = int(4 * effort.seconds / sum(once.values()))
        rounds = min(effort.rounds, max(effort.least_rounds, affordable))
        share = max(effort.seconds / (rounds * len(works)), _LEAST_SAMPLE)
        inner = {name: max(1, int(share / seconds)) for name, seconds in once.items()}
        samples: dict[str, list[float]] = {name: [] for name in works}
        order = list(works)
        for _ in range(rounds):
            for name in order:
                if threads > 1 and len(order) > 1:
                    _settle(effort.settle)
                if once[name] < _SLOW:
                    timers[name](1)
                samples[name].append(timers[name](inner[name]) / inner[name])
            order.reverse()
            gc.collect(0)
    finally:
        if was_enabled:
            gc.enable()
    return {name: Timing(tuple(samples[name]), inner[name]) for name in works}
