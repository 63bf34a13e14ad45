"""One time step of each recurrent network.

Every step takes the input's projection ``(N, gates * H)``, the state, and the parameters of the
recurrent side, and returns the new state, whose first part is the output.
"""

from __future__ import annotations

from pygrad._C import Tensor, ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    State = tuple[Tensor, ...]


def rnn_tanh_step(
    projected: Tensor, state: State, weight: Tensor, bias: Tensor | None, _: Tensor | None
) -> State:
    """``h = tanh(x + W h + b)``."""
    return (ops.tanh(projected + ops.linear(state[0], weight, bias)),)


def rnn_relu_step(
    projected: Tensor, state: State, weight: Tensor, bias: Tensor | None, _: Tensor | None
) -> State:
    """``h = relu(x + W h + b)``."""
    return (ops.relu(projected + ops.linear(state[0], weight, bias)),)


def lstm_step(
    projected: Tensor,
    state: State,
    weight: Tensor,
    bias: Tensor | None,
    projection: Tensor | None,
) -> State:
    """``c = f * c + i * g``, ``h = o * tanh(c)``; the gates lie in the order i, f, g, o."""
    hidden, cell = state
    i, f, g, o = (projected + ops.linear(hidden, weight, bias)).chunk(4, -1)
    cell = ops.sigmoid(f) * cell + ops.sigmoid(i) * ops.tanh(g)
    hidden = ops.sigmoid(o) * ops.tanh(cell)
    if projection is not None:
        hidden = ops.linear(hidden, projection)
    return hidden, cell


def gru_step(
    projected: Tensor, state: State, weight: Tensor, bias: Tensor | None, _: Tensor | None
) -> State:
    """``h = n + z * (h - n)``, ``n = tanh(x_n + r * h_n)``; the gates lie in the order r, z, n."""
    hidden = state[0]
    x_r, x_z, x_n = projected.chunk(3, -1)
    h_r, h_z, h_n = ops.linear(hidden, weight, bias).chunk(3, -1)
    reset = ops.sigmoid(x_r + h_r)
    update = ops.sigmoid(x_z + h_z)
    new = ops.tanh(x_n + reset * h_n)
    return (new + update * (hidden - new),)
