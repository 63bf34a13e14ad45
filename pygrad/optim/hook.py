"""The handle with which a registered hook is taken away again."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["RemovableHook"]


class RemovableHook:
    """What the `register_*` methods return: `remove()` takes the hook away again."""

    _next_id = 0

    def __init__(self, hooks: dict[int, Any]) -> None:
        self.id = RemovableHook._next_id
        RemovableHook._next_id += 1
        self._hooks = hooks

    def remove(self) -> None:
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHook:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()
