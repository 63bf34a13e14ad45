"""Anomaly detection: find the forward operation whose gradient turned into NaN."""

from __future__ import annotations

from pygrad import _C


class set_detect_anomaly:
    """Switch anomaly detection at once; as a context manager the former state returns at the end.

    While it is on, the engine checks every gradient that a node returns and raises RuntimeError
    naming the node (and where its forward ran) as soon as one contains NaN.

    Args:
        mode: on or off.
        check_nan: whether NaN gradients raise.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._previous = _C.is_anomaly_enabled()
        self.mode = mode
        self.check_nan = check_nan
        _C.set_anomaly_enabled(mode, check_nan)

    def __enter__(self) -> None:
        _C.set_anomaly_enabled(self.mode, self.check_nan)

    def __exit__(self, *_: object) -> None:
        _C.set_anomaly_enabled(self._previous, True)


class detect_anomaly(set_detect_anomaly):
    """Context manager: anomaly detection for a block.

    Args:
        check_nan: whether NaN gradients raise.

    Example:
        >>> import pygrad
        >>> x = pygrad.tensor(-1.0, requires_grad=True)
        >>> with pygrad.autograd.detect_anomaly():
        ...     y = x.sqrt()
    """

    def __init__(self, check_nan: bool = True) -> None:
        previous = _C.is_anomaly_enabled()
        super().__init__(True, check_nan)
        # Only entering switches it on.
        _C.set_anomaly_enabled(previous, True)
        self._previous = previous

    def __enter__(self) -> None:
        self._previous = _C.is_anomaly_enabled()
        super().__enter__()
