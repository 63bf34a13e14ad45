"""Modules as functions of their parameters."""

from __future__ import annotations

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from pygrad._C import Tensor
    from pygrad.nn import Module

__all__ = ["functional_call"]


def _places(module: Module) -> dict[str, tuple[dict[str, Any], str]]:
    """Qualified name of each parameter and buffer, under every name -> (its table, its key)."""
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for prefix, owner in module.named_modules(remove_duplicate=False):
        for table in (owner._parameters, owner._buffers):
            for key, value in table.items():
                if value is not None:
                    found[f"{prefix}.{key}" if prefix else key] = (table, key)
    return found


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Calls `module` with other tensors in place of its parameters and buffers.

    Gradients flow to the given tensors, so a step of an optimizer can itself be differentiated.
    The module is as before afterwards, also when the call fails.

    Args:
        module: any module.
        parameter_and_buffer_dicts: name, as in ``named_parameters()``, -> tensor; or several such
            dicts. What they do not name stays the module's own.
        args: the call's arguments: a tuple, or one value.
        kwargs: the call's keyword arguments.
        tie_weights: whether a tensor replaces a parameter under all names that the module has it.
        strict: whether every parameter and buffer must be named.

    Returns:
        What the module returns.

    Raises:
        KeyError: a name that the module does not have, or, with `strict`, one that is missing.
        ValueError: a name is in two dicts.

    Example:
        >>> import pygrad
        >>> from pygrad.func import functional_call
        >>> line = pygrad.nn.Linear(1, 1, bias=False)
        >>> functional_call(line, {"weight": pygrad.tensor([[3.0]])}, pygrad.tensor([2.0]))
        tensor([6.])
    """
    dicts = parameter_and_buffer_dicts
    if not isinstance(dicts, (list, tuple)):
        dicts = [dicts]  # type: ignore[list-item]
    given: dict[str, Tensor] = {}
    for one in dicts:
        twice = sorted(given.keys() & one.keys())
        if twice:
            raise ValueError(f"functional_call(): {twice} are named twice; expected each once")
        given.update(one)
    for name, value in given.items():
        if not isinstance(value, _C.Tensor):
            raise TypeError(
                f"functional_call(): {name!r} is {type(value).__name__}; expected a Tensor"
            )
    places = _places(module)
    unknown = sorted(given.keys() - places.keys())
    if unknown:
        raise KeyError(
            f"functional_call(): {type(module).__name__} has no {unknown}; expected "
            f"some of {list(places)}"
        )
    replaced = dict(given)
    if tie_weights:
        by_tensor = {id(places[n][0][places[n][1]]): value for n, value in given.items()}
        for name, (table, key) in places.items():
            if name not in given and id(table[key]) in by_tensor:
                replaced[name] = by_tensor[id(table[key])]
    missing = sorted(places.keys() - replaced.keys())
    if strict and missing:
        raise KeyError(f"functional_call(): {missing} are missing; expected, as strict is True")
    before = [(*places[name], places[name][0][places[name][1]]) for name in replaced]
    try:
        for name, value in replaced.items():
            table, key = places[name]
            table[key] = value
        given_args = () if args is None else args if isinstance(args, tuple) else (args,)
        return module(*given_args, **(kwargs or {}))
    finally:
        for table, key, value in before:
            table[key] = value
