"""Messages between worker processes and the loader: plain pickles, with tensors' bytes beside them.

A message is one pickle (protocol 5) whose large buffers, of tensors and NumPy arrays, follow out of
band. The receiver reads each buffer into memory of its own that the tensor then keeps, so the data
is copied once, by the pipe.
"""

from __future__ import annotations

import io
import pickle

import pygrad
from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from typing import Any

    from pygrad import Tensor, dtype

__all__ = ["bytes_of", "receive", "send", "tensor_from"]


def bytes_of(tensor: Tensor) -> Any:
    """A buffer with the tensor's elements in row-major order."""
    return memoryview(tensor.detach().contiguous().reshape(-1).view(pygrad.uint8))


def tensor_from(buffer: Any, dtype: dtype, shape: tuple[int, ...]) -> Tensor:
    """A tensor on the memory of a writable buffer."""
    if len(buffer) == 0:
        return _C.ops.empty(shape, dtype=dtype)
    return pygrad.frombuffer(buffer, dtype=dtype).reshape(shape)


def _rebuild(buffer: Any, dtype_name: str, shape: tuple[int, ...], requires_grad: bool) -> Tensor:
    tensor = tensor_from(buffer, getattr(pygrad, dtype_name), shape)
    return tensor.requires_grad_() if requires_grad else tensor


def _reduce(tensor: Tensor) -> tuple[Any, ...]:
    if tensor.device.type != "cpu":
        raise RuntimeError(
            f"DataLoader: a worker process returned a tensor on {tensor.device}; expected one on "
            "the CPU. Move batches to the device in the main process"
        )
    if tensor.grad_fn is not None:
        raise RuntimeError(
            "DataLoader: a worker process returned a non-leaf tensor that requires grad, whose "
            "history cannot leave the process; expected .detach()"
        )
    name = str(tensor.dtype).rpartition(".")[2]
    buffer = pickle.PickleBuffer(bytes_of(tensor)) if tensor.numel() else bytearray()
    return _rebuild, (buffer, name, tuple(tensor.shape), tensor.requires_grad)


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if type(value) is _C.Tensor:
            return _reduce(value)
        return NotImplemented


def send(connection: Connection, message: Any) -> None:
    """Send a message; nothing is sent if it cannot be pickled."""
    buffers: list[pickle.PickleBuffer] = []
    stream = io.BytesIO()
    _Pickler(stream, protocol=5, buffer_callback=buffers.append).dump(message)
    views = [buffer.raw() for buffer in buffers]
    connection.send_bytes(pickle.dumps([view.nbytes for view in views]))
    connection.send_bytes(stream.getbuffer())
    for view in views:
        if view.nbytes:
            connection.send_bytes(view)


def receive(connection: Connection) -> Any:
    """Receive a message.

    Raises:
        EOFError: the other side is gone.
    """
    sizes = pickle.loads(connection.recv_bytes())
    body = connection.recv_bytes()
    buffers = []
    for size in sizes:
        buffer = bytearray(size)
        if size:
            connection.recv_bytes_into(buffer)
        buffers.append(buffer)
    return pickle.loads(body, buffers=buffers)
