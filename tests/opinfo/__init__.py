"""One record per operation; `OPS` maps the registry's names to them."""

from __future__ import annotations

from tests.opinfo import binary, creation, indexing, loss, nn, recurrent, reduction, unary, view  # noqa: F401
from tests.opinfo.record import ALIASES, OPS, Operand, OpInfo, Sample

__all__ = ["ALIASES", "OPS", "OpInfo", "Operand", "Sample"]
