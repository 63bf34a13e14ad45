"""Window functions and the short-time Fourier transform.

Example:
    >>> import pygrad
    >>> pygrad.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
"""

from __future__ import annotations

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pygrad._C import Tensor

ops = _C.ops
_PI = 3.141592653589793


def _window(
    op: str,
    length: int,
    periodic: bool,
    shape: Callable[[Tensor], Tensor],
    options: dict[str, Any],
) -> Tensor:
    """`shape` of the positions 0 to 1; a periodic window leaves the last one out."""
    dtype = options.get("dtype") or _C.get_default_dtype()
    if not dtype.is_floating_point:
        raise RuntimeError(f"{op}(): expects floating point dtypes, got {dtype}")
    if length < 0:
        raise RuntimeError(f"{op}(): requires non-negative window_length, got {length}")
    unknown = options.keys() - {"dtype", "device", "layout", "requires_grad", "pin_memory"}
    if unknown:
        raise TypeError(f"{op}() got an unexpected keyword argument {unknown.pop()!r}")
    if length <= 1:
        made = ops.ones((length,), dtype=dtype)
    else:
        steps = length if periodic else length - 1
        made = shape(ops.arange(length, dtype=_C.float64) / steps).to(dtype)
    made = made.to(options.get("device") or "cpu")
    return made.requires_grad_() if options.get("requires_grad") else made


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """Hann window, ``w[n] = (1 - cos(2 pi n / N)) / 2``.

    Args:
        window_length: how many values.
        periodic: N is the length (for spectra), else the length less one.
        options: ``dtype``, ``device`` and ``requires_grad``.
    """
    return hamming_window(window_length, periodic, 0.5, 0.5, _op="hann_window", **options)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    _op: str = "hamming_window",
    **options: Any,
) -> Tensor:
    """Hamming window, ``w[n] = alpha - beta cos(2 pi n / N)``; see `hann_window`."""
    return _window(
        _op, window_length, periodic, lambda t: alpha - beta * ops.cos(t * 2 * _PI), options
    )


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """Blackman window, ``0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)``."""

    def shape(t: Tensor) -> Tensor:
        return 0.42 - 0.5 * ops.cos(t * 2 * _PI) + 0.08 * ops.cos(t * 4 * _PI)

    return _window("blackman_window", window_length, periodic, shape, options)


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """Triangular window, ``1 - |2 n / N - 1|``."""
    return _window(
        "bartlett_window", window_length, periodic, lambda t: 1 - ops.abs(2 * t - 1), options
    )


def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any
) -> Tensor:
    """Kaiser window, ``I0(beta sqrt(1 - (2 n / N - 1)^2)) / I0(beta)``."""

    def shape(t: Tensor) -> Tensor:
        inside = ops.clamp(1 - (2 * t - 1) ** 2, min=0.0)
        return ops.i0(beta * ops.sqrt(inside)) / ops.i0(t.new_full((), beta))

    return _window("kaiser_window", window_length, periodic, shape, options)


def _full_window(op: str, window: Tensor | None, win_length: int, n_fft: int, like: Any) -> Tensor:
    """The window, centred within `n_fft` values."""
    if not 0 < win_length <= n_fft:
        raise RuntimeError(f"{op}(): expected 0 < win_length <= n_fft, got {win_length}, {n_fft}")
    if window is None:
        window = ops.ones((win_length,), **like)
    elif window.dim() != 1 or window.shape[0] != win_length:
        raise RuntimeError(
            f"{op}(): expected a 1D window tensor of size equal to win_length={win_length}, but "
            f"got window with size {tuple(window.shape)}"
        )
    left = (n_fft - win_length) // 2
    return ops.pad(window, [left, n_fft - win_length - left]) if win_length < n_fft else window


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
) -> Tensor:
    """Short-time Fourier transform: the spectra of overlapping windowed frames.

    Args:
        input: (length,) or (batch, length).
        n_fft: the frame's length.
        hop_length: from one frame to the next; default: a quarter frame.
        win_length: the window's length, centred in the frame; default: the frame's.
        window: (win_length,); default: ones.
        center: pad both ends by half a frame, so that frame t is centred at ``t * hop_length``.
        pad_mode: how to pad then.
        normalized: divide by the root of `n_fft`.
        onesided: leave out the mirrored half; default: for real input and window.
        return_complex: whether the result is complex, else its last dimension has the two parts.

    Returns:
        (batch, frequencies, frames), complex.
    """
    from pygrad import fft
    from pygrad.nn import functional as F

    if input.dim() not in (1, 2):
        raise RuntimeError(f"stft(): expected a 1D or 2D tensor, got {tuple(input.shape)}")
    hop = n_fft // 4 if hop_length is None else hop_length
    signal = input if input.dim() == 2 else input.unsqueeze(0)
    if center:
        signal = F.pad(signal.unsqueeze(1), (n_fft // 2, n_fft // 2), pad_mode).squeeze(1)
    if not 0 < n_fft <= signal.shape[-1] or hop <= 0:
        raise RuntimeError(
            f"stft(): expected 0 < n_fft <= {signal.shape[-1]} and hop_length > 0, got "
            f"n_fft={n_fft}, hop_length={hop}"
        )
    real = not input.is_complex() and (window is None or not window.is_complex())
    if return_complex is None and real:
        raise RuntimeError("stft(): requires the return_complex parameter be given for real inputs")
    like = {"dtype": input.real.dtype if input.is_complex() else input.dtype}
    full = _full_window("stft", window, win_length or n_fft, n_fft, like | {"device": input.device})
    frames = signal.unfold(-1, n_fft, hop) * full
    half = real if onesided is None else onesided
    spectra = (fft.rfft if half else fft.fft)(frames, norm="ortho" if normalized else None)
    spectra = spectra.contiguous().transpose(-2, -1)
    if input.dim() == 1:
        spectra = spectra.squeeze(0)
    return spectra if return_complex in (None, True) else ops.view_as_real(spectra)


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal whose `stft` is `input`, by overlapping and adding (least squares).

    Args:
        input: (batch, frequencies, frames), complex, or without the batch.
        n_fft: the frame's length; the next arguments are those of `stft`.
        hop_length: from one frame to the next.
        win_length: the window's length.
        window: (win_length,).
        center: whether the frames were centred.
        normalized: whether the spectra were divided by the root of `n_fft`.
        onesided: whether the mirrored half is left out; default: by the number of frequencies.
        length: of the result; default: as far as the frames reach.
        return_complex: for signals that are not real.

    Returns:
        (batch, length).

    Raises:
        RuntimeError: when the windows' squares add up to zero somewhere.
    """
    from pygrad import fft

    if not input.is_complex() or input.dim() not in (2, 3):
        raise RuntimeError(
            f"istft(): requires a complex-valued input of 2 or 3 dimensions, got {input.dtype} of "
            f"shape {tuple(input.shape)}"
        )
    hop = n_fft // 4 if hop_length is None else hop_length
    batch = input if input.dim() == 3 else input.unsqueeze(0)
    real = _C.float64 if input.dtype == _C.complex128 else _C.float32
    like: dict[str, Any] = {"dtype": real, "device": input.device}
    full = _full_window("istft", window, win_length or n_fft, n_fft, like)
    half = (input.shape[-2] != n_fft) if onesided is None else onesided
    norm = "ortho" if normalized else None
    spectra = batch.transpose(-2, -1)
    frames = fft.irfft(spectra, n_fft, norm=norm) if half else fft.ifft(spectra, norm=norm)
    if not half and not return_complex:
        frames = frames.real
    count = frames.shape[1]
    reach = n_fft + hop * (count - 1)
    starts = ops.arange(count, device=input.device).unsqueeze(1) * hop
    at = (starts + ops.arange(n_fft, device=input.device)).reshape(-1)
    signal = ops.zeros((frames.shape[0], reach), dtype=frames.dtype, device=input.device)
    signal = ops.index_add(signal, 1, at, (frames * full).reshape(frames.shape[0], -1))
    weight = ops.index_add(ops.zeros((reach,), **like), 0, at, (full * full).repeat(count))
    begin = n_fft // 2 if center else 0
    end = begin + length if length is not None else reach - (n_fft // 2 if center else 0)
    signal, weight = signal[:, begin:end], weight[begin:end]
    if weight.numel() and float(ops.amin(ops.abs(weight)).item()) < 1e-11:
        raise RuntimeError("istft(): window overlap add min: 0; the windows leave gaps")
    signal = signal / weight
    if length is not None and signal.shape[1] < length:
        signal = ops.pad(signal, [0, length - signal.shape[1]])
    return signal if input.dim() == 3 else signal.squeeze(0)
