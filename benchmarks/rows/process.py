"""Whole processes: import, memory, the first trained step, the package's size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import child
from benchmarks.row import ROWS, Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.row import Work


def _no_work(*_: object) -> Work:
    raise NotImplementedError("rows of whole processes have no work in this one")


def _process(name: str, unit: str, measure: Callable[[str, bool], float | None]) -> None:
    ROWS[name] = Row("process", name, _no_work, measure=measure, unit=unit)


_process("import", "ms", child.import_ms)
_process("resident_after_import", "MB", child.resident_mb)
_process("start_to_first_trained_step", "ms", child.first_step_ms)
_process("installed_size", "MB", child.installed_mb)
