"""The machine's roof, measured before anything else.

The floating-point roof of float32 and float64 is the rate of fused multiply-adds on registers alone
(a loop of pygrad's extension that touches no memory): no program exceeds it on the same units. For
other types, and without pygrad, it is the best matrix product that any engine of the run reaches
(1024 cubed, and every matmul row). The bandwidth of a cache level is the best that copying, adding
or summing arrays of that size reaches in any engine. Float32 products made of bfloat16 ones on a
matrix unit may pass the float32 roof; a fraction above 100 % says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.engines import ArrayEngine, Engine, TensorEngine
from benchmarks.machine import caches
from benchmarks.options import Effort

LEVELS = ("L2", "L3", "DRAM")
_GEMM_TYPES = ("float32", "float64", "bfloat16")


@dataclass(frozen=True)
class Best:
    """A rate (flops or bytes a second), and which engine reached it with what."""

    rate: float = 0.0
    by: str = "nothing"


@dataclass
class Roof:
    """The best rates seen, and the sizes up to which data counts as lying in a level."""

    flops: dict[str, Best] = field(default_factory=dict)  # of the registers
    gemm: dict[str, Best] = field(default_factory=dict)
    bandwidth: dict[str, Best] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)

    def observe_gemm(self, dtype: str, rate: float, by: str) -> None:
        """Raises the best matrix product for `dtype` if `rate` is above it."""
        if rate > self.gemm.get(dtype, Best()).rate:
            self.gemm[dtype] = Best(rate, by)

    def observe_bandwidth(self, level: str, rate: float, by: str) -> None:
        """Raises the roof of a memory level if `rate` is above it."""
        if rate > self.bandwidth.get(level, Best()).rate:
            self.bandwidth[level] = Best(rate, by)

    def level(self, traffic: float) -> str:
        """The level whose bandwidth holds for `traffic` bytes."""
        return next((n for n in LEVELS[:-1] if traffic <= self.limits.get(n, 0)), "DRAM")

    def bound(self, flops: float, traffic: float, dtype: str) -> tuple[float, str]:
        """The least time in seconds that the roof allows, and what sets it: "flop" or a level.

        The larger of flops over the floating-point roof and bytes over the bandwidth of the level
        that holds them; (0, "") if neither is known.
        """
        bounds = []
        peak = self.flops.get(dtype, self.gemm.get(dtype, Best())).rate
        if flops and peak:
            bounds.append((flops / peak, "flop"))
        level = self.level(traffic)
        speed = self.bandwidth.get(level, Best()).rate
        if traffic and speed:
            bounds.append((traffic / speed, level))
        return max(bounds, default=(0.0, ""))

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file: GFLOP/s and GB/s with what reached them."""
        return {
            "peak": {k: {"gflops": b.rate / 1e9, "by": b.by} for k, b in self.flops.items()},
            "best_gemm": {k: {"gflops": b.rate / 1e9, "by": b.by} for k, b in self.gemm.items()},
            "best_stream": {
                k: {"gb_per_s": b.rate / 1e9, "by": b.by} for k, b in self.bandwidth.items()
            },
            "level_holds_bytes": self.limits,
        }


def measure(engines: Iterable[Engine], threads: int, effort: Effort, tiny: bool) -> Roof:
    """Measures the roof with every engine, at the run's number of threads."""
    cache = caches()
    # Half of a private cache for each thread, and a quarter of the shared one, are a size that
    # surely fits; a row is said to lie in a level up to three quarters of it, and half of L3.
    private = cache["L2"] * threads
    roof = Roof(limits={"L2": 0.75 * private, "L3": 0.5 * cache["L3"]})
    probes = {"L2": private / 2, "L3": max(cache["L3"] / 4, 1.5 * private)}
    probes["DRAM"] = max(8 * cache["L3"], 256 << 20)
    seconds = min(effort.seconds, 0.3) / 6
    for engine in engines:
        if isinstance(engine, TensorEngine) and engine.name == "pygrad":
            for dtype in ("float32", "float64"):
                rate = engine.t._C.fma_peak(getattr(engine.t, dtype), seconds)
                roof.flops[dtype] = Best(rate, "multiply-adds on registers")
        if isinstance(engine, ArrayEngine) and engine.jax is not None:
            continue  # its arrays cannot be written in place
        for dtype in _GEMM_TYPES:
            _probe_gemm(roof, engine, dtype, 64 if tiny else 1024, seconds)
        for level, size in probes.items():
            _probe_stream(roof, engine, level, int(size) >> (10 if tiny else 0), seconds)
    return roof


def _best_time(run: Callable[[], Any], seconds: float) -> float:
    """The shortest of the runs that fit into `seconds`; at least three after the first."""
    run()
    best, spent, runs = float("inf"), 0.0, 0
    while spent < seconds or runs < 3:
        start = time.perf_counter()
        run()
        elapsed = time.perf_counter() - start
        best, spent, runs = min(best, elapsed), spent + elapsed, runs + 1
    return best


def _probe_gemm(roof: Roof, engine: Engine, dtype: str, n: int, seconds: float) -> None:
    if isinstance(engine, ArrayEngine) and dtype == "bfloat16":
        return
    try:
        a, b = engine.normal(n, n, dtype=dtype), engine.normal(n, n, dtype=dtype)
        best = _best_time(lambda: a @ b, seconds)
    except (AttributeError, NotImplementedError, RuntimeError):
        return  # a type the engine has no product for sets no roof
    roof.observe_gemm(dtype, 2 * n**3 / best, f"{engine.name} {n}x{n}x{n}")


def _probe_stream(roof: Roof, engine: Engine, level: str, size: int, seconds: float) -> None:
    """Copies, adds and sums float32 arrays that take `size` bytes together."""
    pair = max(size // 8, 64)
    three = max(size // 12, 64)
    runs: dict[str, tuple[Callable[[], Any], int]] = {}
    if isinstance(engine, TensorEngine):
        t = engine.t
        x, y = t.ones(pair), t.ones(pair)
        a, b, c = t.ones(three), t.ones(three), t.ones(three)
        runs["copy"] = (lambda: y.copy_(x), 8 * pair)
        runs["add"] = (lambda: t.add(a, b, out=c), 12 * three)
        runs["sum"] = (lambda: x.sum(), 4 * pair)
    else:
        xp = engine.xp
        p, q = xp.ones(pair, "float32"), xp.ones(pair, "float32")
        d, e, f = (xp.ones(three, "float32") for _ in range(3))
        runs["copy"] = (lambda: xp.copyto(q, p), 8 * pair)
        runs["add"] = (lambda: xp.add(d, e, out=f), 12 * three)
    for name, (run, traffic) in runs.items():
        try:
            best = _best_time(run, seconds)
        except (AttributeError, NotImplementedError, TypeError):
            continue  # an engine without the operation sets no roof
        roof.observe_bandwidth(level, traffic / best, f"{engine.name} {name}")
