"""Recurrent layers: RNN, LSTM, GRU and their single-step cells.

A module holds the parameters and checks what it is given; the layers of all directions run in one
call of an op (``csrc/ops/recurrent.cpp``).
"""

from __future__ import annotations

import math

from pygrad._C import Tensor, ops
from pygrad.nn import init
from pygrad.nn.module import Module
from pygrad.nn.parameter import Parameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    State = tuple[Tensor, ...]

_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}


class RNNBase(Module):
    """What :class:`RNN`, :class:`LSTM` and :class:`GRU` share."""

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if mode not in _GATES:
            raise ValueError(f"Unrecognized RNN mode: {mode}")
        if hidden_size <= 0:
            raise ValueError("hidden_size must be greater than zero")
        if num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if isinstance(dropout, bool) or not 0 <= dropout <= 1:
            raise ValueError(f"dropout should be a number in range [0, 1], got {dropout}")
        if proj_size and mode != "LSTM":
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if proj_size < 0 or proj_size >= hidden_size:
            raise ValueError(
                f"proj_size is {proj_size}; expected 0 (none) or less than hidden_size"
                f" {hidden_size}"
            )
        if dropout > 0 and num_layers == 1:
            import warnings

            warnings.warn(
                f"dropout={dropout} applies between layers, and num_layers is 1: it has no effect",
                stacklevel=3,
            )
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        gate_size = _GATES[mode] * hidden_size
        out_size = proj_size or hidden_size
        for layer in range(num_layers):
            for suffix in self._suffixes(layer):
                width = input_size if layer == 0 else out_size * self._directions
                shapes: dict[str, tuple[int, ...]] = {
                    "weight_ih": (gate_size, width),
                    "weight_hh": (gate_size, out_size),
                }
                if bias:
                    shapes["bias_ih"] = shapes["bias_hh"] = (gate_size,)
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                for name, shape in shapes.items():
                    values = ops.empty(shape, device=device, dtype=dtype)
                    self.register_parameter(name + suffix, Parameter(values))
        self.reset_parameters()

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _suffixes(self, layer: int) -> list[str]:
        return [f"_l{layer}", f"_l{layer}_reverse"][: self._directions]

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, a list for every layer and direction."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        return [
            [getattr(self, name + suffix) for name in names if name + suffix in self._parameters]
            for layer in range(self.num_layers)
            for suffix in self._suffixes(layer)
        ]

    def flatten_parameters(self) -> None:
        """Do nothing: the parameters need no common block of memory here."""

    def reset_parameters(self) -> None:
        """Draw new values, evenly from ``+-1 / sqrt(hidden_size)``."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _state_sizes(self) -> tuple[int, ...]:
        """Sizes of the parts of the state: (hidden,) or (hidden, cell)."""
        if self.mode == "LSTM":
            return (self.proj_size or self.hidden_size, self.hidden_size)
        return (self.hidden_size,)

    def _check_input(self, size: int, shape: Any) -> None:
        if size != self.input_size:
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. Expected"
                f" {self.input_size}, got {size} (input {tuple(shape)})"
            )

    def _start(self, state: Any, batch: int, like: Tensor) -> State:
        """The state before the first step: given and checked, or zeros."""
        count = self.num_layers * self._directions
        shapes = [(count, batch, size) for size in self._state_sizes()]
        if state is None:
            return tuple(like.new_zeros(shape) for shape in shapes)
        for what, part, shape in zip(("hidden[0]", "hidden[1]"), state, shapes, strict=False):
            if tuple(part.shape) != shape:
                raise RuntimeError(f"Expected {what} size {shape}, got {tuple(part.shape)}")
        return tuple(state)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Return the outputs of the last layer and the last state of every layer.

        Args:
            input: shape ``(L, N, input_size)``, ``(N, L, input_size)`` with ``batch_first``,
                ``(L, input_size)``, or a ``PackedSequence``.
            hx: the state to start from, ``(layers * directions, N, hidden_size)``; an LSTM takes
                and returns a pair of hidden and cell state. Zeros when missing.
        """
        from pygrad.nn.utils.rnn import PackedSequence

        state = hx if hx is None or self.mode == "LSTM" else (hx,)
        if isinstance(input, PackedSequence):
            self._check_input(input.data.shape[-1], input.data.shape)
            start = self._start(state, int(input.batch_sizes[0]), input.data)
            if hx is not None and input.sorted_indices is not None:
                start = tuple(part.index_select(1, input.sorted_indices) for part in start)
            rows, last = self._run((input.data, input.batch_sizes), start, ())
            if input.unsorted_indices is not None:
                last = tuple(part.index_select(1, input.unsorted_indices) for part in last)
            packed = PackedSequence(
                rows, input.batch_sizes, input.sorted_indices, input.unsorted_indices
            )
            return packed, self._as_given(last)
        if input.dim() not in (2, 3):
            raise ValueError(
                f"{self.mode}: Expected input to be 2D or 3D, got {input.dim()}D instead"
            )
        self._check_input(input.shape[-1], input.shape)
        if input.dim() == 2:
            state = None if state is None else tuple(part.unsqueeze(1) for part in state)
            start = self._start(state, 1, input)
            out, last = self._run((input.unsqueeze(1),), start, (False,))
            return out.squeeze(1), self._as_given(tuple(part.squeeze(1) for part in last))
        start = self._start(state, input.shape[0 if self.batch_first else 1], input)
        out, last = self._run((input,), start, (self.batch_first,))
        return out, self._as_given(last)

    def _as_given(self, state: State) -> Any:
        return state if self.mode == "LSTM" else state[0]

    def _run(
        self, rows: tuple[Tensor, ...], start: State, batch_first: tuple[bool, ...]
    ) -> tuple[Tensor, State]:
        """Run all layers over a tensor, or over packed rows and their batch sizes."""
        params = [weight for weights in self.all_weights for weight in weights]
        run: Any = getattr(ops, self.mode.lower())
        out, *last = run(
            *rows,
            start if self.mode == "LSTM" else start[0],
            params,
            self.bias,
            self.num_layers,
            self.dropout,
            self.training,
            self.bidirectional,
            *batch_first,
        )
        return out, tuple(last)

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        if self.proj_size != 0:
            parts.append(f"proj_size={self.proj_size}")
        if self.num_layers != 1:
            parts.append(f"num_layers={self.num_layers}")
        if self.bias is not True:
            parts.append(f"bias={self.bias}")
        if self.batch_first is not False:
            parts.append(f"batch_first={self.batch_first}")
        if self.dropout != 0:
            parts.append(f"dropout={self.dropout}")
        if self.bidirectional is not False:
            parts.append(f"bidirectional={self.bidirectional}")
        return ", ".join(parts)


class RNN(RNNBase):
    """Elman network: ``h = tanh(W_ih x + b_ih + W_hh h + b_hh)`` at every step.

    Args:
        input_size, hidden_size: sizes of input and state.
        num_layers: layers, each over the outputs of the one before.
        nonlinearity: 'tanh' or 'relu'.
        bias, batch_first, dropout, bidirectional: as in :class:`LSTM`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        self_mode = "RNN_" + nonlinearity.upper()
        super().__init__(self_mode, input_size, hidden_size, num_layers, *args, **kwargs)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory over a sequence.

    Args:
        input_size, hidden_size: sizes of input and state.
        num_layers: layers, each over the outputs of the one before.
        bias: whether to have biases.
        batch_first: whether tensors are ``(N, L, *)`` instead of ``(L, N, *)``.
        dropout: probability of dropping an output between layers while training.
        bidirectional: whether to run backwards too and join the outputs.
        proj_size: if not 0, the size to which every hidden state is projected.

    Example:
        >>> import pygrad
        >>> out, (h, c) = pygrad.nn.LSTM(4, 8)(pygrad.ones(5, 2, 4))
        >>> out.shape, h.shape
        (torch.Size([5, 2, 8]), torch.Size([1, 2, 8]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)


class GRU(RNNBase):
    """Gated recurrent unit over a sequence; arguments as in :class:`LSTM`, without proj_size."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("GRU", *args, **kwargs)


class RNNCellBase(Module):
    """What the single-step cells share."""

    _mode = ""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, device: Any, dtype: Any
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = _GATES[self._mode or "RNN_TANH"] * hidden_size
        options = {"device": device, "dtype": dtype}
        self.weight_ih = Parameter(ops.empty(rows, input_size, **options))
        self.weight_hh = Parameter(ops.empty(rows, hidden_size, **options))
        if bias:
            self.bias_ih = Parameter(ops.empty(rows, **options))
            self.bias_hh = Parameter(ops.empty(rows, **options))
        else:
            self.register_parameter("bias_ih", None)
            self.register_parameter("bias_hh", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new values, evenly from ``+-1 / sqrt(hidden_size)``."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _checked(self, input: Tensor, state: State | None, parts: int) -> State:
        """The state before the step, with the input's dimensions: given and checked, or zeros."""
        name = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"{name}: input's last dimension is {input.shape[-1]}, expected {self.input_size}"
            )
        shape = (*input.shape[:-1], self.hidden_size)
        if state is None:
            return (input.new_zeros(shape),) * parts
        for part in state:
            if part.shape != shape:
                raise RuntimeError(f"{name}: hidden state is {tuple(part.shape)}; expected {shape}")
        return state

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        nonlinearity = self.__dict__.get("nonlinearity", "tanh")
        return text + (f", nonlinearity={nonlinearity}" if nonlinearity != "tanh" else "")


class RNNCell(RNNCellBase):
    """One step of an Elman network; returns the new hidden state ``(N, hidden_size)``."""

    _mode = "RNN_TANH"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        (state,) = self._checked(input, None if hx is None else (hx,), 1)
        step = ops.rnn_tanh_cell if self.nonlinearity == "tanh" else ops.rnn_relu_cell
        weights = self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        return step(input, state, *weights)


class LSTMCell(RNNCellBase):
    """One step of an LSTM; takes and returns the pair of hidden and cell state."""

    _mode = "LSTM"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        state = self._checked(input, hx, 2)
        weights = self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        return ops.lstm_cell(input, state, *weights)


class GRUCell(RNNCellBase):
    """One step of a GRU; returns the new hidden state ``(N, hidden_size)``."""

    _mode = "GRU"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        (state,) = self._checked(input, None if hx is None else (hx,), 1)
        weights = self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        return ops.gru_cell(input, state, *weights)


__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]
