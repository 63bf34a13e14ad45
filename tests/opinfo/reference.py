"""Functions that NumPy lacks, in float64: for the references of the records."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np

Array = Any


def each(f: Callable[..., float]) -> Callable[..., Array]:
    """f of every element; what raises for an argument outside its domain becomes NaN."""

    def guarded(*values: float) -> float:
        try:
            return f(*(float(v) for v in values))
        except (ValueError, ZeroDivisionError):
            return math.nan
        except OverflowError:
            return math.inf

    def mapped(*arrays: Array) -> Array:
        spread = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in arrays))
        result = np.array([guarded(*v) for v in zip(*(s.ravel() for s in spread), strict=True)])
        return result.reshape(spread[0].shape).astype(np.float64)

    return mapped


def _erfinv(y: float) -> float:
    if abs(y) >= 1:
        return math.copysign(math.inf, y) if abs(y) == 1 else math.nan
    x = NormalDist().inv_cdf((y + 1) / 2) / math.sqrt(2) if y else 0.0
    for _ in range(3):  # Newton from a good start
        x -= (math.erf(x) - y) / (2 / math.sqrt(math.pi) * math.exp(-x * x))
    return x


def _lgamma(x: float) -> float:
    if math.isinf(x) or (x <= 0 and x == math.floor(x)):
        return math.inf
    return math.lgamma(x)


def _digamma(x: float) -> float:
    if x == 0:
        return math.copysign(math.inf, -x)
    if x < 0:
        if x == math.floor(x) or math.isinf(x):
            return math.nan
        return _digamma(1 - x) - math.pi / math.tan(math.pi * math.fmod(x, 1.0))
    total = 0.0
    while x < 20:
        total -= 1 / x
        x += 1
    r = 1 / (x * x)
    series = r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r / 132))))
    return total + math.log(x) - 0.5 / x - series


def _zeta(s: int, x: float) -> float:
    """Hurwitz's zeta function for s >= 2 and x > 0, by Euler and Maclaurin."""
    total = sum((x + k) ** -s for k in range(20))
    y = x + 20
    total += y ** (1 - s) / (s - 1) + 0.5 * y**-s
    term = s * y ** (-s - 1)
    for j, b in enumerate((1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160)):
        total += b * term
        term *= (s + 2 * j + 1) * (s + 2 * j + 2) / (y * y)
    return total


def polygamma(n: int, x: Array) -> Array:
    if n == 0:
        return digamma(x)
    return each(lambda v: (-1) ** (n + 1) * math.factorial(n) * _zeta(n + 1, v))(x)


def bessel_i(order: int, scaled: bool) -> Callable[[Array], Array]:
    """I_n(x) = 1/pi int_0^pi exp(x cos t) cos(n t) dt; the trapezoid rule converges at once."""
    t = (np.arange(400) + 0.5) * np.pi / 400

    def f(x: float) -> float:
        shift = abs(x) if scaled else 0.0
        return float(np.mean(np.exp(x * np.cos(t) - shift) * np.cos(order * t)))

    return each(f)


erf = each(math.erf)
erfc = each(math.erfc)
erfinv = each(_erfinv)
lgamma = each(_lgamma)
digamma = each(_digamma)
ndtr = each(lambda x: 0.5 * math.erfc(-x / math.sqrt(2)))
ndtri = each(
    lambda p: (
        NormalDist().inv_cdf(p)
        if 0 < p < 1
        else {0.0: -math.inf, 1.0: math.inf}[p]
        if p in (0.0, 1.0)
        else math.nan
    )
)


def multigammaln(x: Array, p: int) -> Array:
    total = p * (p - 1) / 4 * math.log(math.pi)
    for j in range(p):
        total = total + lgamma(np.asarray(x) - j / 2)
    return total


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-np.asarray(x)))


def softmax(x: Array, axis: int) -> Array:
    if np.ndim(x) == 0:
        return np.ones_like(x)
    if x.shape[axis] == 0:
        return x
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def log_softmax(x: Array, axis: int) -> Array:
    if np.ndim(x) == 0:
        return np.zeros_like(x)
    if x.shape[axis] == 0:
        return x
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def softplus(x: Array, beta: float = 1.0, threshold: float = 20.0) -> Array:
    x = np.asarray(x, dtype=np.float64)
    return np.where(x * beta > threshold, x, np.log1p(np.exp(np.minimum(x * beta, 700))) / beta)


def gelu(x: Array, approximate: str = "none") -> Array:
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x * ndtr(x)


def reduced(loss: Array, reduction: int) -> Array:
    """The library's numbers for reductions: 0 none, 1 mean, 2 sum."""
    return loss if reduction == 0 else loss.mean() if reduction == 1 else loss.sum()
