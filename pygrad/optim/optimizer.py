"""The base of all optimizers: parameter groups, per-parameter state, hooks and state dicts.

What `state_dict()` returns has the same keys and layout as PyTorch's, so files can be exchanged in
both directions.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from operator import is_

import pygrad
from pygrad import _C
from pygrad.optim.hook import RemovableHook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeAlias

    from pygrad import Tensor

    ParamsT: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
    Closure: TypeAlias = Callable[[], Any]

__all__ = ["Optimizer", "required"]


class _Required:
    """Marks a default that every parameter group has to name itself."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


def check(condition: bool, owner: str, problem: str, expected: str) -> None:
    """Raise a ValueError in the house format unless `condition` holds."""
    if not condition:
        raise ValueError(f"{owner}(): {problem}; expected {expected}")


def check_lr(owner: str, lr: Any) -> None:
    """Raise unless `lr` is a number >= 0 or a one-element tensor of one."""
    if isinstance(lr, _C.Tensor):
        check(lr.numel() == 1, owner, f"Tensor lr must be 1-element, got {lr.numel()}", "1 element")
    check(bool(lr >= 0.0), owner, f"Invalid learning rate: {lr}", "a number >= 0")


def check_betas(owner: str, betas: Any) -> None:
    """Raise unless both moving-average coefficients lie in [0, 1)."""
    for index in (0, 1):
        beta = float(betas[index])
        check(
            0.0 <= beta < 1.0,
            owner,
            f"Invalid beta parameter at index {index}: {beta}",
            "a number in [0, 1)",
        )


def check_at_least_zero(owner: str, label: str, value: Any) -> None:
    """Raise unless the hyper-parameter called `label` is >= 0."""
    check(bool(value >= 0.0), owner, f"Invalid {label} value: {value}", "a number >= 0")


def refuse_differentiable(owner: str, differentiable: bool) -> None:
    """Raise if a recorded step was asked for: the fused kernels leave no tape behind."""
    if differentiable:
        raise NotImplementedError(
            f"{owner}(): differentiable=True is not available; the step is one fused in-place "
            "kernel that records nothing. Write the update out of place to differentiate it"
        )


class Optimizer:
    """Base class of all optimizers.

    Args:
        params: an iterable of tensors, of `(name, tensor)` pairs, or of dicts with a `"params"`
            entry and options of their own.
        defaults: the options a group has where it does not name its own.

    Raises:
        TypeError: `params` is a tensor, a set, or holds something that is no tensor.
        ValueError: no parameters, a non-leaf tensor, or a parameter in two groups.

    Example:
        >>> import pygrad
        >>> class Plain(pygrad.optim.Optimizer):
        ...     @pygrad.no_grad()
        ...     def step(self, closure=None):
        ...         for group in self.param_groups:
        ...             for p in group["params"]:
        ...                 p.sub_(p.grad, alpha=group["lr"])
        >>> w = pygrad.nn.Parameter(pygrad.ones(2))
        >>> w.sum().backward()
        >>> Plain([w], {"lr": 0.5}).step()
        >>> w.tolist()
        [0.5, 0.5]
    """

    # True once `step` ran after a scheduler was attached; see `lr_scheduler`.
    _opt_called = False

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._make_hooks()
        if isinstance(params, _C.Tensor):
            raise TypeError(
                f"{type(self).__name__}(): params argument given to the optimizer should be an "
                f"iterable of Tensors or dicts, but got a single Tensor {tuple(params.shape)}; "
                "expected for example [tensor]"
            )
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError(
                f"{type(self).__name__}(): optimizer got an empty parameter list; "
                "expected at least one tensor"
            )
        if not isinstance(groups[0], dict):
            if isinstance(params, set):
                self._refuse_set()
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _make_hooks(self) -> None:
        self._step_pre_hooks: dict[int, Any] = {}
        self._step_post_hooks: dict[int, Any] = {}
        self._state_dict_pre_hooks: dict[int, Any] = {}
        self._state_dict_post_hooks: dict[int, Any] = {}
        self._load_pre_hooks: dict[int, Any] = {}
        self._load_post_hooks: dict[int, Any] = {}
        # One entry per group: the step counts in one buffer, and its elements as 0-d views.
        self._step_counts: dict[int, tuple[Tensor, list[Tensor]]] = {}

    # -- parameter groups --------------------------------------------------------------------

    def _refuse_set(self) -> None:
        raise TypeError(
            f"{type(self).__name__}(): optimizer parameters need to be organized in ordered "
            "collections, but the ordering of tensors in sets will change between runs; "
            "expected a list"
        )

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters, for example layers that are unfrozen during training.

        Args:
            param_group: a dict with `"params"` and the options that differ from the defaults.

        Raises:
            TypeError: not a dict, parameters in a set, or an entry that is no tensor.
            ValueError: a non-leaf tensor, a missing required option, names given for some
                parameters only, or a parameter that another group already has.
        """
        owner = type(self).__name__
        if not isinstance(param_group, dict):
            raise TypeError(
                f"{owner}.add_param_group(): param_group must be a dict, "
                f"but got {type(param_group)}; expected {{'params': [...], ...}}"
            )
        params = param_group["params"]
        if isinstance(params, set):
            self._refuse_set()
        entries: list[Any] = [params] if isinstance(params, _C.Tensor) else list(params)
        named = [isinstance(e, tuple) and len(e) == 2 and isinstance(e[0], str) for e in entries]
        if any(named):
            if not all(named):
                raise ValueError(
                    f"{owner}(): all optimizer params should be with/without names. Some param "
                    f"names are missing; {sum(named)} of {len(named)} parameters have one"
                )
            param_group["param_names"] = [name for name, _ in entries]
            entries = [p for _, p in entries]
        param_group["params"] = entries
        for p in entries:
            if not isinstance(p, _C.Tensor):
                raise TypeError(
                    f"{owner}(): optimizer can only optimize Tensors, "
                    f"but one of the params is {type(p).__name__}; expected a leaf Tensor"
                )
            if not (p.is_leaf or p.grad_fn is None):
                raise ValueError(
                    f"{owner}(): can't optimize a non-leaf Tensor of shape {tuple(p.shape)} with "
                    f"grad_fn {p.grad_fn}; expected a leaf. Call .detach() first"
                )
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(
                    f"{owner}(): parameter group didn't specify a value of required optimization "
                    f"parameter {name}; expected one in the group or in the constructor"
                )
            param_group.setdefault(name, default)
        unique = set(entries)
        if len(unique) != len(entries):
            import warnings

            warnings.warn(
                f"{owner}(): optimizer contains a parameter group with duplicate parameters; "
                "each is updated once per mention",
                stacklevel=3,
            )
        known = set(chain.from_iterable(group["params"] for group in self.param_groups))
        if not known.isdisjoint(unique):
            raise ValueError(
                f"{owner}(): some parameters appear in more than one parameter group; "
                "expected each parameter in one group"
            )
        if self.param_groups:
            others = ["param_names" in group for group in self.param_groups]
            if any(has != ("param_names" in param_group) for has in others):
                raise ValueError(
                    f"{owner}(): all optimizer param groups should be with/without names; "
                    f"existing groups have names: {others}, "
                    f"the new one: {'param_names' in param_group}"
                )
        self.param_groups.append(param_group)

    # -- helpers for the concrete optimizers -------------------------------------------------

    def _evaluate(self, closure: Closure) -> Any:
        """Run the closure that recomputes the loss, recording even inside `no_grad`."""
        with pygrad.enable_grad():
            return closure()

    def _gather(
        self, group: dict[str, Any]
    ) -> tuple[list[Tensor], list[Tensor], list[dict[str, Any]]]:
        """Parameters of the group that have a gradient, those gradients, and their states."""
        params, grads = _C.gather_gradients(group["params"])
        state = self.state
        return params, grads, [state[p] for p in params]

    def _counts(self, key: int, states: list[dict[str, Any]]) -> Tensor:
        """The `step` entries of these states as one 1-D float32 buffer.

        Each state's own `step` stays a 0-d tensor, a view of its element, so that one `add_`
        advances them all. The buffer is built again when a state got another `step` object
        (first step, loaded state, a different set of parameters with gradients).
        """
        steps = [state["step"] for state in states]
        known = self._step_counts.get(key)
        if known is not None and len(known[1]) == len(steps) and all(map(is_, known[1], steps)):
            return known[0]
        buffer = pygrad.tensor([float(step) for step in steps], dtype=pygrad.float32)
        views = [buffer[i] for i in range(len(steps))]
        for state, view in zip(states, views, strict=False):
            state["step"] = view
        self._step_counts[key] = (buffer, views)
        return buffer

    # -- the step, and what may surround it --------------------------------------------------

    def step(self, closure: Closure | None = None) -> Any:
        """Update all parameters once.

        Args:
            closure: recomputes the loss and its gradients; needed by LBFGS only.

        Returns:
            What the closure returned, else None.
        """
        raise NotImplementedError(f"{type(self).__name__}.step(): the class does not define it")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or fill them with zeros.

        Args:
            set_to_none: free the gradients (the default) instead of zeroing them in place.
        """
        if set_to_none:
            for group in self.param_groups:
                _C.clear_gradients(group["params"])
            return
        grads = []
        for group in self.param_groups:
            for p in group["params"]:
                grad = p.grad
                if grad is not None:
                    if grad.grad_fn is not None:
                        grad.detach_()
                    else:
                        grad.requires_grad_(False)
                    grads.append(grad)
        if grads:
            _C.ops.foreach_zero(grads)

    def _intercept_step(self) -> None:
        """Send this instance's `step` through the hooks; without hooks nothing is in its way."""
        if "_intercepted" in self.__dict__:
            return
        import weakref

        # A weak reference: the optimizer must not keep itself, and so its state, alive.
        owner = weakref.ref(self)
        replaced = self.__dict__.get("step")
        self._intercepted = True

        def step(*args: Any, **kwargs: Any) -> Any:
            optimizer = owner()
            if optimizer is None:
                raise RuntimeError("step(): the optimizer is gone; expected it to be kept alive")
            return optimizer._step_with_hooks(replaced, (optimizer, *args), kwargs)

        self.step = step  # type: ignore[method-assign]

    def _step_with_hooks(self, replaced: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        for hook in list(self._step_pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"{type(self).__name__}.step(): hook {hook} must return None or a tuple "
                        f"of (new_args, new_kwargs), but got {changed}"
                    )
                args, kwargs = changed
        if replaced is not None:
            result = replaced(*args[1:], **kwargs)
        else:
            result = type(self).step(*args, **kwargs)
        self._opt_called = True
        for hook in list(self._step_post_hooks.values()):
            hook(self, args, kwargs)
        if replaced is None and not self._step_pre_hooks and not self._step_post_hooks:
            self.__dict__.pop("step", None)
            self.__dict__.pop("_intercepted", None)
        return result

    def _register(self, hooks: dict[int, Any], hook: Any, prepend: bool = False) -> RemovableHook:
        handle = RemovableHook(hooks)
        if prepend:
            rest = dict(hooks)
            hooks.clear()
            hooks[handle.id] = hook
            hooks.update(rest)
        else:
            hooks[handle.id] = hook
        return handle

    def register_step_pre_hook(self, hook: Any) -> RemovableHook:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return new ones."""
        self._intercept_step()
        return self._register(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Any) -> RemovableHook:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        self._intercept_step()
        return self._register(self._step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Any, prepend: bool = False) -> RemovableHook:
        """Call `hook(optimizer)` before `state_dict()` collects anything."""
        return self._register(self._state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Any, prepend: bool = False) -> RemovableHook:
        """Call `hook(optimizer, state_dict)` on the result; it may return another dict."""
        return self._register(self._state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Any, prepend: bool = False) -> RemovableHook:
        """Call `hook(optimizer, state_dict)` before loading; it may return another dict."""
        return self._register(self._load_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Any, prepend: bool = False) -> RemovableHook:
        """Call `hook(optimizer)` after loading."""
        return self._register(self._load_post_hooks, hook, prepend)

    # -- saving and loading ------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The state and the groups, with parameters replaced by their running number.

        Returns:
            `{"state": {number: {...}}, "param_groups": [{..., "params": [numbers]}]}`. Tensors
            are the optimizer's own, not copies.
        """
        for hook in list(self._state_dict_pre_hooks.values()):
            hook(self)
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            packed = {key: value for key, value in group.items() if key != "params"}
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            packed["params"] = [numbers[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {
            numbers[id(key)] if isinstance(key, _C.Tensor) else key: value
            for key, value in self.state.items()
        }
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in list(self._state_dict_post_hooks.values()):
            changed = hook(self, result)
            if changed is not None:
                result = changed
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict()` of an optimizer with the same groups returned.

        State tensors are moved to their parameter's device and, for floating point, dtype.

        Args:
            state_dict: from pygrad's or PyTorch's `state_dict()`.

        Raises:
            ValueError: the groups differ in number or size; nothing is changed then.
        """
        state_dict = dict(state_dict)
        for hook in list(self._load_pre_hooks.values()):
            changed = hook(self, state_dict)
            if changed is not None:
                state_dict = changed
        owner = type(self).__name__
        saved_groups = [dict(group) for group in state_dict["param_groups"]]
        if len(self.param_groups) != len(saved_groups):
            raise ValueError(
                f"{owner}.load_state_dict(): loaded state dict has a different number of parameter "
                f"groups: {len(saved_groups)}; expected {len(self.param_groups)}"
            )
        for index, (group, saved) in enumerate(zip(self.param_groups, saved_groups, strict=False)):
            if len(group["params"]) != len(saved["params"]):
                raise ValueError(
                    f"{owner}.load_state_dict(): loaded state dict contains a parameter group that "
                    f"doesn't match the size of optimizer's group; group {index} has "
                    f"{len(saved['params'])} parameters, expected {len(group['params'])}"
                )
        by_number = dict(
            zip(
                chain.from_iterable(saved["params"] for saved in saved_groups),
                chain.from_iterable(group["params"] for group in self.param_groups),
                strict=False,
            )
        )
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in by_number:
                state[by_number[key]] = _fit(value, by_number[key], None)
            else:
                state[key] = value
        for group, saved in zip(self.param_groups, saved_groups, strict=False):
            saved["params"] = group["params"]
            if "param_names" in group:
                saved.setdefault("param_names", group["param_names"])
        self.__setstate__({"state": state, "param_groups": saved_groups})
        for hook in list(self._load_post_hooks.values()):
            hook(self)

    def __getstate__(self) -> dict[str, Any]:
        return {
            "defaults": self.defaults,
            "state": self.state,
            "param_groups": self.param_groups,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_step_pre_hooks" not in self.__dict__:
            self._make_hooks()
        self._step_counts.clear()
        # Files of older versions lack the newer options.
        for group in self.param_groups:
            for name, default in self.defaults.items():
                if default is not required:
                    group.setdefault(name, default)

    def __repr__(self) -> str:
        blocks = []
        for index, group in enumerate(self.param_groups):
            lines = [f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params"]
            blocks.append(f"Parameter Group {index}\n" + "".join(lines))
        body = "\n".join(blocks)
        return f"{type(self).__name__} (\n{body})"


def _fit(value: Any, param: Tensor, key: str | None) -> Any:
    """`value` with its tensors on the parameter's device and in its dtype, except `step`."""
    if isinstance(value, _C.Tensor):
        if key == "step":
            return value.to(device="cpu", dtype=pygrad.float32)
        if param.is_floating_point() and value.is_floating_point():
            return value.to(dtype=param.dtype, device=param.device)
        return value.to(device=param.device)
    if isinstance(value, dict):
        return {name: _fit(entry, param, name) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_fit(entry, param, key) for entry in value)
    return value
