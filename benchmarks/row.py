"""What a row is: a named piece of work, written once for all engines that share an API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.engines import ArrayEngine, TensorEngine


class Statement:
    """An expression that is timed without a call around it.

    A call of a Python function costs as much as some of the operations to measure, so the
    expression is compiled into the timing loop, its names as the loop's local variables.
    """

    def __init__(self, code: str, **names: Any) -> None:
        self.names = names
        arguments = ", ".join(names)
        text = (
            f"def once({arguments}):\n    return {code}\n"
            f"def loop(_turns, _clock, {arguments}):\n"
            f"    _start = _clock()\n    for _turn in _turns:\n        {code}\n"
            f"    return _clock() - _start\n"
        )
        made: dict[str, Any] = {}
        exec(text, made)
        self._once = made["once"]
        self.loop = made["loop"]

    def __call__(self) -> Any:
        return self._once(**self.names)


@dataclass
class Work:
    """One engine's side of a row, built and ready to run.

    Attributes:
        run: the work, repeated by the timer; what it returns is compared among engines.
        flops: floating-point operations of one run that matter for its bound (multiply-adds of
            matrix products and convolutions count two), or 0.
        bytes: least memory traffic of one run, every operand counted once, or 0.
        dtype: the type in which `flops` are done.
        tol: largest difference from the reference, relative to its largest value.
        check: what is compared instead of the result of `run`; called before the timing.
        compare: judges the result where there is no reference value (random numbers): returns
            what is wrong, or None.
        close: called when the row is done.
    """

    run: Callable[[], Any]
    flops: float = 0.0
    bytes: float = 0.0
    dtype: str = "float32"
    tol: float = 1e-4
    check: Callable[[], Any] | None = None
    compare: Callable[[list[Any]], str | None] | None = None
    close: Callable[[], None] | None = None


# Makes an engine's work; None: not for these arguments.
Builder = Callable[..., Work | None]


@dataclass
class Row:
    """A named row of a group.

    Attributes:
        build: makes the work for pygrad or torch from the engine and `args`.
        variants: builders for "numpy" and "jax", and for "arrays" that serve both.
        peak: also measure the peak resident memory, in a process of its own.
        busy: measure it beside a process that keeps one processor busy.
        measure: for rows that are not a piece of work in this process: takes the engine's name
            and whether to be brief, and returns the value.
        unit: of the value: "us" for work, else what `measure` returns.
    """

    group: str
    name: str
    build: Builder
    args: tuple[Any, ...] = ()
    variants: dict[str, Builder] = field(default_factory=dict)
    peak: bool = False
    busy: bool = False
    measure: Callable[[str, bool], float | None] | None = None
    unit: str = "us"

    def work(self, engine: TensorEngine | ArrayEngine) -> Work | None:
        """The row's work for `engine`, or None if the engine has no variant of the row."""
        engine.restart(self.name)
        build: Builder | None = self.build
        if engine.name in ("numpy", "jax"):
            build = self.variants.get(engine.name) or self.variants.get("arrays")
        return None if build is None else build(engine, *self.args)


ROWS: dict[str, Row] = {}


class Family:
    """The rows that one function builds; its methods add the variants for array libraries."""

    def __init__(self, members: list[Row]) -> None:
        self._members = members

    def _variant(self, kind: str, build: Builder) -> Builder:
        for member in self._members:
            member.variants[kind] = build
        return build

    def arrays(self, build: Builder) -> Builder:
        """Adds a variant that runs under both NumPy and JAX."""
        return self._variant("arrays", build)

    def numpy(self, build: Builder) -> Builder:
        """Adds the NumPy variant."""
        return self._variant("numpy", build)

    def jax(self, build: Builder) -> Builder:
        """Adds the JAX variant."""
        return self._variant("jax", build)


def rows(
    group: str, named: str | dict[str, Any], *, peak: bool = False, busy: bool = False
) -> Callable[[Builder], Family]:
    """Registers the decorated builder as a row, or as one row for each entry of a dict.

    Args:
        group: the rows' group.
        named: the row's name, or names with the builder's further argument or tuple of them.
        peak: see `Row`.
        busy: see `Row`.
    """

    def register(build: Builder) -> Family:
        family = []
        entries = {named: ()} if isinstance(named, str) else named
        for name, value in entries.items():
            if name in ROWS:
                raise ValueError(f"two rows are called {name}")
            args = value if isinstance(value, tuple) else (value,)
            ROWS[name] = Row(group, name, build, args, peak=peak, busy=busy)
            family.append(ROWS[name])
        return Family(family)

    return register


def selected(groups: tuple[str, ...], pattern: str) -> list[Row]:
    """The rows of `groups` whose names match one of the comma-separated wildcards, in order."""
    import benchmarks.rows  # noqa: F401  (fills ROWS)

    wildcards = [p.strip() for p in pattern.split(",") if p.strip()] or ["*"]
    return [
        row
        for group in groups
        for row in ROWS.values()
        if row.group == group and any(fnmatchcase(row.name, w) for w in wildcards)
    ]
