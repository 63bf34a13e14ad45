"""One record per operation; `OPS` maps the registry's names to them."""

from __future__ import annotations

from tests.opinfo import (  # noqa: F401
    binary,
    creation,
    indexing,
    loss,
    nn,
    products,
    recurrent,
    reduction,
    unary,
    view,
)
from tests.opinfo.record import ALIASES, OPS, Operand, OpInfo, Sample

__all__ = ["ALIASES", "OPS", "OpInfo", "Operand", "Sample"]
