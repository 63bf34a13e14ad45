"""Special functions under the names of ``torch.special``: operations of the registry."""

from __future__ import annotations

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    def __getattr__(name: str) -> Callable[..., Any]: ...


_C.export_ops(globals(), "special")
softmax = _C.ops.softmax
log_softmax = _C.ops.log_softmax
