# ruff: noqa: E501 -- tables of samples read better unwrapped
"""The kernels of networks: softmax, norms, convolution, pooling, embedding, padding."""

from __future__ import annotations

from itertools import product

import numpy as np

from tests.opinfo import reference as r
from tests.opinfo.products import DOTS
from tests.opinfo.record import COMPLEX, FLOATS, INTS, F, I, S, bad, op

INTEGRAL = (*INTS, "bool")

# --- softmax and distances
ROWS = [((5,), 0), ((3, 4), 1), ((3, 4), 0), ((2, 3, 2), 1), ((2, 3), -1), ((), 0)]
for name, ref in (("softmax", r.softmax), ("log_softmax", r.log_softmax)):

    def softmax_samples(m):
        for shape, dim in ROWS:
            yield S(m(*shape), dim)
        if not m.grad:
            for n in (1, 31, 32, 33, 127, 129):
                yield S(m(3, n, low=-8, high=8), 1)
            yield S(m(0, 3), 1)
            yield S(m(3, 0), 1)
            yield S(
                m.of(
                    [[1.0, np.inf, 2.0], [-np.inf, 1.0, 2.0], [np.nan, 1.0, 2.0], [1e4, 1.0, 2.0]]
                ),
                1,
            )

    op(name, softmax_samples, lambda x, dim, dtype=None, f=ref: f(x, dim), tol={"float16": (4e-3, 4e-3), "bfloat16": (2e-2, 2e-2)}, errors=[
        bad(F(2, 3), 2, raises=IndexError, text="out of range"), bad(F(2, 3, dtype="complex64"), 1, raises=RuntimeError, text="complex"),
        bad(F(2, 3), raises=TypeError, text="dim|missing", torch=False),
    ], torch=f"{name}")  # fmt: skip


def _attention(q, k, v, mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    if enable_gqa:
        k, v = (np.repeat(t, q.shape[-3] // t.shape[-3], -3) for t in (k, v))
    scores = q @ np.swapaxes(k, -1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        mask = np.tril(np.ones(scores.shape[-2:], bool))
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    if scores.shape[-1] == 0:
        return np.zeros((*scores.shape[:-1], v.shape[-1]))
    top = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = weights.sum(-1, keepdims=True)
    return weights / np.where(total == 0, 1, total) @ v


def attention_samples(m):
    yield S(m(1, 2, 2), m(1, 3, 2), m(1, 3, 2))
    yield S(m(3, 2), m(2, 2), m(2, 1), scale=0.3)
    yield S(m(1, 2, 3, 2), m(2, 1, 3, 2), m(3, 2), is_causal=True)
    yield S(m(2, 2, 2), m(1, 3, 2), m(2, 3, 1), m.of([[True, False, True], [False] * 3], "bool"))
    yield S(m(2, 2, 2), m(2, 3, 2), m(2, 3, 1), m(2, 3))
    yield S(m(1, 4, 2, 1), m(1, 2, 3, 1), m(1, 2, 3, 1), enable_gqa=True)
    if not m.grad:
        mask = m.mask(2, 1, 17, 300)
        yield S(m(2, 3, 17, 9), m(2, 3, 300, 9), m(2, 3, 300, 5), mask)
        yield S(m(2, 3, 17, 9), m(2, 3, 300, 9), m(2, 3, 300, 5), m(1, 300, grad=False))
        yield S(m(2, 70, 16), m(2, 90, 16), m(2, 90, 33), is_causal=True)
        yield S(m(2, 90, 3), m(2, 70, 3), m(2, 70, 3), is_causal=True)
        yield S(m(3, 1, 40), m(3, 270, 40), m(3, 270, 40))
        yield S(m(3, 0, 4), m(3, 2, 4), m(3, 2, 4))
        yield S(m(3, 2, 4), m(3, 0, 4), m(3, 0, 4))
        yield S(m(0, 2, 4), m(0, 2, 4), m(0, 2, 4))


op("scaled_dot_product_attention", attention_samples, _attention, tol=DOTS, errors=[
    bad(F(2, 3), F(2, 4), F(2, 4), raises=RuntimeError, text=r"\(2, 3\)|2x3|size|match"),
    bad(F(2, 3), F(2, 3), F(4, 3), raises=RuntimeError, text="length|size|multiplied"),
    bad(F(3), F(2, 3), F(2, 3), raises=RuntimeError, text="2 dimensional"),
    bad(F(2, 3), F(2, 3), F(2, 3, dtype="float64"), raises=RuntimeError, text="same dtype"),
    bad(F(2, 3, dtype="int64"), F(2, 3, dtype="int64"), F(2, 3, dtype="int64"), raises=RuntimeError, text="int64|Long|long"),
    bad(F(2, 3), F(2, 3), F(2, 3), F(3, 2), raises=RuntimeError, text="attn_mask|size|expand"),
    bad(F(2, 3), F(2, 3), F(2, 3), F(2, 2), is_causal=True, raises=RuntimeError, text="is_causal=True"),
    bad(F(2, 3), F(2, 3), F(2, 3), dropout_p=1.5, raises=RuntimeError, text="between 0 and 1", torch=False),
    bad(F(1, 3, 2, 4), F(1, 2, 2, 4), F(1, 2, 2, 4), enable_gqa=True, raises=RuntimeError, text="heads"),
])  # fmt: skip
op("dist", lambda m: [S(m(5), m(5)), S(m(2, 3), m(3), 1), S(m(4), m(4), 3), S(m(4), m(4), float("inf"))],
   lambda a, b, p=2: np.linalg.norm((a - b).ravel(), p), dtypes=FLOATS, tol=DOTS)  # fmt: skip

# --- norms


def _layer_norm(x, shape, weight=None, bias=None, eps=1e-5):
    axes = tuple(range(-len(shape), 0))
    y = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)
    return y * (1 if weight is None else weight) + (0 if bias is None else bias)


NORM = {"float16": (1e-2, 1e-2), "bfloat16": (4e-2, 6e-2), "float32": (5e-5, 2e-5)}
op("layer_norm", lambda m: [
    S(m(3, 4), (4,), m(4), m(4)), S(m(2, 3, 2), (3, 2), m(3, 2), m(3, 2)), S(m(3, 4), (4,)), S(m(2, 5), (5,), m(5)), S(m(2, 4), (4,), None, m(4), 1e-3),
    *([] if m.grad else [S(m(5, 129), (129,), m(129), m(129)), S(m(0, 4), (4,), m(4), m(4))]),
], _layer_norm, tol=NORM, errors=[
    bad(F(2, 3), (4,), raises=RuntimeError, text="normalized_shape|shape"), bad(F(2, 3), (3,), F(2), raises=RuntimeError, text="weight|shape"),
    bad(F(2, 3), (), raises=RuntimeError, text="normalized_shape"),
])  # fmt: skip
op("rms_norm", lambda m: [S(m(3, 4), (4,), m(4)), S(m(2, 3, 2), (3, 2), eps=1e-3), S(m(2, 5), (5,), m(5), 1e-5)],
   lambda x, shape, weight=None, eps=None: x / np.sqrt(np.square(x).mean(tuple(range(-len(shape), 0)), keepdims=True) + (eps or 0)) * (1 if weight is None else weight),
   tol=NORM, without=COMPLEX, errors=[bad(F(2, 3), (4,), raises=RuntimeError, text="normalized_shape|shape")])  # fmt: skip


def _group_norm(x, groups, weight=None, bias=None, eps=1e-5):
    y = x.reshape(x.shape[0], groups, -1)
    y = ((y - y.mean(2, keepdims=True)) / np.sqrt(y.var(2, keepdims=True) + eps)).reshape(x.shape)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return y * (1 if weight is None else weight.reshape(shape)) + (
        0 if bias is None else bias.reshape(shape)
    )


op("group_norm", lambda m: [S(m(2, 4, 3), 2, m(4), m(4)), S(m(2, 4, 2), 4), S(m(1, 3, 4), 1, m(3), m(3)), S(m(2, 2, 2, 2), 1)], _group_norm, tol=NORM, errors=[
    bad(F(2, 3, 2), 2, raises=RuntimeError, text="divisible|num_groups"), bad(F(2, 4), 2, F(3), raises=RuntimeError, text="weight|shape"),
])  # fmt: skip


def _batch_norm(x, mean, var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    axes = (0, *range(2, x.ndim))
    shape = (1, -1) + (1,) * (x.ndim - 2)
    if training or mean is None:
        mean, var = x.mean(axes), x.var(axes)
    y = (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + eps)
    return y * (1 if weight is None else weight.reshape(shape)) + (
        0 if bias is None else bias.reshape(shape)
    )


def batch_norm_samples(m):
    constant = lambda n, low: m(n, low=low, high=2, grad=False)  # noqa: E731
    yield S(m(3, 2), None, None, m(2), m(2), True)
    yield S(m(3, 2), constant(2, -1), constant(2, 0.5), m(2), m(2), False)
    yield S(m(2, 2, 3), None, None, m(2), m(2), True, 0.1, 1e-3)
    yield S(m(2, 3, 2, 2), constant(3, -1), constant(3, 0.5))
    yield S(m(4, 2), None, None, training=True)
    if not m.grad:
        yield S(m(9, 5, 7, 3), None, None, m(5), m(5), True)
        yield S(m(6, 70, 3, 7), None, None, m(70), m(70), True)
        yield S(m(5, 7, 3), constant(7, -1), constant(7, 0.5), m(7), m(7), False)


def torch_batch_norm(torch):
    return lambda x, mean, var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5: (
        torch.nn.functional.batch_norm(x, mean, var, weight, bias, training, momentum, eps)
    )


op("batch_norm", batch_norm_samples, _batch_norm, tol=NORM, torch=torch_batch_norm, errors=[
    bad(F(2, 3), F(2), F(2), raises=RuntimeError, text="running_mean|elements|size|shape"),
    bad(F(2, 3), None, None, F(2), training=True, raises=RuntimeError, text="weight|elements|size|shape"),
])  # fmt: skip

# --- convolution and pooling


def listed(value, n):
    return (value,) * n if isinstance(value, int) else tuple(value) * (n if len(value) == 1 else 1)


def _conv(n):
    def conv(x, w, bias=None, stride=1, padding=0, dilation=1, groups=1):
        stride, padding, dilation = listed(stride, n), listed(padding, n), listed(dilation, n)
        single = x.ndim == n + 1
        x = x[None] if single else x
        x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
        kernel = w.shape[2:]
        sizes = [
            (x.shape[2 + i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in range(n)
        ]
        out = np.zeros((x.shape[0], w.shape[0], *sizes), np.result_type(x, w))
        per, cin = w.shape[0] // groups, w.shape[1]
        for g in range(groups):
            for at in product(*map(range, kernel)):
                window = tuple(
                    slice(a * d, a * d + (s - 1) * t + 1, t)
                    for a, d, s, t in zip(at, dilation, sizes, stride, strict=True)
                )
                part = x[(slice(None), slice(g * cin, (g + 1) * cin), *window)]
                out[:, g * per : (g + 1) * per] += np.einsum(
                    "nc...,kc->nk...", part, w[(slice(g * per, (g + 1) * per), slice(None), *at)]
                )
        if bias is not None:
            out += bias.reshape(1, -1, *(1,) * n)
        return out[0] if single else out

    return conv


def conv_samples(n):
    size = {1: (7,), 2: (5, 4), 3: (3, 3, 2)}[n]

    def samples(m):
        k = (2,) * n
        tiny = tuple(min(s, 3) for s in size) if m.grad and n < 3 else size if n < 3 else (2, 2, 2)
        big = tiny if m.grad else size
        c, f = (1, 1) if n == 3 and m.grad else (2, 2)
        yield S(m(1 if m.grad else 2, c, *big), m(f, c, *k), m(f))
        yield S(m(1, c, *big), m(f, c, *k), None, 2, 1)
        if not m.grad or n < 3:
            yield S(m(1, 2, *big), m(2, 1, *k), m(2), padding=1, groups=2)
            yield S(m(1, 1, *(max(b, 3) for b in big)), m(1, 1, *k), dilation=2)
            yield S(m(2, *big), m(1, 2, *k), m(1), stride=[1] * n, padding=[1] * n)
        if not m.grad:
            yield S(m(2, 3, *(9,) * n), m(5, 3, *(3,) * n), m(5), padding=1)
            yield S(m(1, 4, *(6,) * n), m(4, 1, *(3,) * n), m(4), stride=2, padding=1, groups=4)
            yield S(m(1, 3, *(4,) * n), m(2, 3, *(1,) * n))
            yield S(m(0, 2, *size), m(3, 2, *k), m(3))

    return samples


for n in (1, 2, 3):
    ones = (4,) * n
    op(f"conv{n}d", conv_samples(n), _conv(n), tol=DOTS, without=INTEGRAL + COMPLEX, errors=[
        bad(F(1, 3, *ones), F(2, 2, *(2,) * n), raises=RuntimeError, text="channels"), bad(F(1, 1, *ones), F(1, 1, *(5,) * n), raises=RuntimeError, text="[Kk]ernel size"),
        bad(F(1, 1, *ones), F(1, 1, *(2,) * n), F(3), raises=RuntimeError, text="bias"), bad(F(1, 1, *ones), F(1, 1, *(2,) * n), stride=0, raises=RuntimeError, text="stride"),
        bad(F(1, 1, *ones), F(1, 1, *(2,) * n), padding=-1, raises=RuntimeError, text="padding"), bad(F(4), F(1, 1, *(2,) * n), raises=RuntimeError, text="input|dim"),
        bad(F(1, 2, *ones), F(3, 1, *(2,) * n), groups=2, raises=RuntimeError, text="groups|divisible"),
    ])  # fmt: skip


def _conv_transpose(n):
    def f(x, w, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        stride, padding, extra, dilation = (
            listed(v, n) for v in (stride, padding, output_padding, dilation)
        )
        single = x.ndim == n + 1
        x = x[None] if single else x
        kernel, per, cin = w.shape[2:], w.shape[1], x.shape[1] // groups
        full = [
            (x.shape[2 + i] - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1 + extra[i]
            for i in range(n)
        ]
        out = np.zeros((x.shape[0], per * groups, *full))
        for g in range(groups):
            for at in product(*map(range, kernel)):
                window = tuple(
                    slice(a * d, a * d + (s - 1) * t + 1, t)
                    for a, d, s, t in zip(at, dilation, x.shape[2:], stride, strict=True)
                )
                part = np.einsum(
                    "nc...,ck->nk...",
                    x[:, g * cin : (g + 1) * cin],
                    w[(slice(g * cin, (g + 1) * cin), slice(None), *at)],
                )
                out[(slice(None), slice(g * per, (g + 1) * per), *window)] += part
        out = out[
            (
                slice(None),
                slice(None),
                *(slice(p, s - p) for p, s in zip(padding, full, strict=True)),
            )
        ]
        if bias is not None:
            out = out + bias.reshape(1, -1, *(1,) * n)
        return out[0] if single else out

    return f


def transpose_samples(n):
    def samples(m):
        size = (3,) * n if n < 3 else (2, 2, 2)
        c = 1 if n == 3 and m.grad else 2
        yield S(m(1, c, *size), m(c, 1, *(2,) * n), m(1))
        yield S(m(1, c, *size), m(c, 1, *(2,) * n), None, 2, 1, 1)
        if not m.grad:
            yield S(m(2, 4, *size), m(4, 3, *(3,) * n), m(6), padding=1, groups=2)
            yield S(m(2, *size), m(2, 3, *(2,) * n), dilation=2)

    return samples


for n in (1, 2, 3):
    ones = (4,) * n
    op(f"conv_transpose{n}d", transpose_samples(n), _conv_transpose(n), tol=DOTS, without=INTEGRAL + COMPLEX, errors=[
        bad(F(1, 3, *ones), F(2, 2, *(2,) * n), raises=RuntimeError, text="channels"),
        bad(F(1, 1, *ones), F(1, 1, *(2,) * n), output_padding=1, raises=RuntimeError, text="output.padding"),
    ])  # fmt: skip


def conv_all(x, w, bias, stride, padding, dilation, transposed, output_padding, groups):
    n = w.ndim - 2
    if transposed:
        return _conv_transpose(n)(x, w, bias, stride, padding, output_padding, groups, dilation)
    return _conv(n)(x, w, bias, stride, padding, dilation, groups)


op("convolution", lambda m: [
    S(m(1, 2, 3, 3), m(2, 2, 2, 2), m(2), [1, 1], [0, 0], [1, 1], False, [0, 0], 1), S(m(1, 2, 3), m(2, 1, 2), None, [2], [1], [1], True, [1], 1),
], conv_all, tol=DOTS, without=INTEGRAL + COMPLEX)  # fmt: skip


def windows(x, n, kernel, stride, padding, dilation, ceil, fill):
    """Every window of the padded planes, as (..., output sizes, window), and the sizes."""
    kernel, padding, dilation = listed(kernel, n), listed(padding, n), listed(dilation, n)
    stride = kernel if stride is None or stride == [] else listed(stride, n)
    sizes = []
    for i in range(n):
        length = x.shape[x.ndim - n + i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1
        out = (-(-length // stride[i]) if ceil else length // stride[i]) + 1
        if ceil and (out - 1) * stride[i] >= x.shape[x.ndim - n + i] + padding[i]:
            out -= 1
        sizes.append(out)
    return kernel, stride, padding, dilation, sizes


def _max_pool(n):
    def f(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
        kernel, stride, padding, dilation, sizes = windows(
            x, n, kernel_size, stride, padding, dilation, ceil_mode, 0
        )
        lead, space = x.shape[: x.ndim - n], x.shape[x.ndim - n :]
        out, at = np.full((*lead, *sizes), -np.inf), np.zeros((*lead, *sizes), np.int64)
        for o in np.ndindex(*lead, *sizes):
            best = None
            for k in product(*map(range, kernel)):
                p = [
                    o[len(lead) + i] * stride[i] - padding[i] + k[i] * dilation[i] for i in range(n)
                ]
                if all(0 <= q < s for q, s in zip(p, space, strict=True)):
                    v = x[(*o[: len(lead)], *p)]
                    if best is None or v > best or v != v:
                        best = v
                        out[o], at[o] = v, np.ravel_multi_index(p, space)
        return out, at

    return f


def _avg_pool(n):
    def f(
        x,
        kernel_size,
        stride=None,
        padding=0,
        ceil_mode=False,
        count_include_pad=True,
        divisor_override=None,
    ):
        kernel, stride, padding, _, sizes = windows(
            x, n, kernel_size, stride, padding, 1, ceil_mode, 0
        )
        lead, space = x.shape[: x.ndim - n], x.shape[x.ndim - n :]
        out = np.zeros((*lead, *sizes))
        for o in np.ndindex(*lead, *sizes):
            start = [o[len(lead) + i] * stride[i] - padding[i] for i in range(n)]
            end = [
                min(s + k, w + p) for s, k, w, p in zip(start, kernel, space, padding, strict=True)
            ]
            whole = np.prod([e - s for s, e in zip(start, end, strict=True)])
            inside = tuple(
                slice(max(s, 0), min(e, w)) for s, e, w in zip(start, end, space, strict=True)
            )
            part = x[(*o[: len(lead)], *inside)]
            out[o] = part.sum() / (divisor_override or (whole if count_include_pad else part.size))
        return out

    return f


POOL_SIZE = {1: (7,), 2: (5, 4), 3: (3, 4, 3)}
for n in (1, 2, 3):

    def max_samples(m, n=n):
        x = lambda *s: m.distinct(*s)  # noqa: E731
        size = POOL_SIZE[n]
        yield S(x(1, *size) if m.grad else x(2, 3, *size), 2)
        yield S(x(1, 1, *size), 2, 1, 1)
        yield S(x(1, 1, *size), [2] * n, [2] * n, ceil_mode=True)
        if not m.grad:
            yield S(x(1, 2, *(7,) * n), 3, 2, 1)
            yield S(x(1, 1, *(6,) * n), 2, 1, 0, 2)

    op(
        f"max_pool{n}d",
        max_samples,
        lambda *a, f=_max_pool(n), **k: f(*a, **k)[0],
        torch=f"nn.functional.max_pool{n}d",
        without=INTEGRAL,
    )
    op(f"max_pool{n}d_with_indices", max_samples, _max_pool(n), result=None, gradgrad=True, torch=f"nn.functional.max_pool{n}d_with_indices",
       dtypes=FLOATS, without=INTEGRAL, errors=[
        bad(F(1, 1, *(4,) * n), 0, raises=RuntimeError, text="kernel|zero"), bad(F(1, 1, *(4,) * n), 2, padding=2, raises=RuntimeError, text="pad"),
        bad(F(1, 1, *(1,) * n), 3, raises=RuntimeError, text="[Oo]utput size|small"), bad(F(3), 2, raises=RuntimeError, text="input|dim"),
    ])  # fmt: skip

    def avg_samples(m, n=n):
        size = POOL_SIZE[n]
        yield S(m(1, *size) if m.grad else m(2, 3, *size), 2)
        yield S(m(1, 1, *size), 2, 1, 1)
        yield S(m(1, 1, *size), 2, 2, 1, False, False)
        yield S(m(1, 1, *size), [2] * n, [2] * n, ceil_mode=True)
        if n > 1:
            yield S(m(1, 1, *size), 2, divisor_override=3)

    op(f"avg_pool{n}d", avg_samples, _avg_pool(n), tol=DOTS, without=INTEGRAL, errors=[
        bad(F(1, 1, *(4,) * n), 2, padding=2, raises=RuntimeError, text="pad"), bad(F(1, 1, *(1,) * n), 3, raises=RuntimeError, text="[Oo]utput size|small|size"),
    ])  # fmt: skip


def _adaptive(n, f):
    def g(x, output_size):
        want = [
            x.shape[x.ndim - n + i] if o is None else o
            for i, o in enumerate(listed(output_size, n))
        ]
        lead, space = x.shape[: x.ndim - n], x.shape[x.ndim - n :]
        out = np.zeros((*lead, *want))
        for o in np.ndindex(*lead, *want):
            part = tuple(
                slice(p * s // w, -(-(p + 1) * s // w))
                for p, s, w in zip(o[len(lead) :], space, want, strict=True)
            )
            out[o] = f(x[(*o[: len(lead)], *part)])
        return out

    return g


for n in (1, 2, 3):
    op(f"adaptive_avg_pool{n}d", lambda m, n=n: [S(m(1, 2, *POOL_SIZE[n]) if n < 3 else m(1, 1, *POOL_SIZE[n]), s) for s in (2, 1)] + ([S(m(1, *(6,) * n), [3] * n)] if n < 3 or not m.grad else []),
       _adaptive(n, np.mean), tol=DOTS, errors=[bad(F(2, *(4,) * n), -1, raises=RuntimeError, text="output_size|negative|greater")])  # fmt: skip
    op(f"adaptive_max_pool{n}d", lambda m, n=n: [S(m.distinct(1, 2, *POOL_SIZE[n]) if n < 3 else m.distinct(1, 1, *POOL_SIZE[n]), s) for s in (2, 1)],
       None, result=None, torch=f"nn.functional.adaptive_max_pool{n}d_with_indices")  # fmt: skip

# --- embedding, dropout, padding


def _embedding(weight, indices, padding_idx=-1, *_):
    return weight[indices]


def torch_embedding(torch):
    return lambda weight, indices, padding_idx=-1, *a: torch.embedding(
        weight, indices, padding_idx, *a
    )


op("embedding", lambda m: [S(m(4, 3), m.index(5, below=4)), S(m(4, 3), m.index(2, 2, below=4), padding_idx=1), S(m(4, 3), I(1, 1, 1)), S(m(4, 3), m.index(0, below=4))],
   _embedding, torch=torch_embedding, dtypes=FLOATS, errors=[
    bad(F(4, 3), I(4), raises=IndexError, text="4|out of range"), bad(F(4, 3), I(-1), raises=IndexError, text="-1|out of range"),
    bad(F(4, 3), F(2), raises=RuntimeError, text="int|indices|Long"), bad(F(4), I(0), raises=RuntimeError, text="2-?D|weight"),
])  # fmt: skip
op("dropout", lambda m: [S(m(2, 3), 0.0, True), S(m(2, 3), 0.4, False), S(m(4), 1.0, True)],
   lambda x, p=0.5, training=True: x * 0 if training and p == 1 else x, torch="nn.functional.dropout", dtypes=FLOATS, errors=[
    bad(F(2), 1.5, True, raises=RuntimeError, text="1.5|probability|between", torch=False), bad(F(2), -0.1, True, raises=RuntimeError, text="-0.1|probability|between", torch=False),
])  # fmt: skip


def _pad(x, pad, mode="constant", value=None):
    widths = [(0, 0)] * (x.ndim - len(pad) // 2) + [
        (pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)
    ]
    cut = tuple(
        slice(max(-a, 0), s - max(-b, 0)) for (a, b), s in zip(widths, x.shape, strict=True)
    )
    widths = [(max(a, 0), max(b, 0)) for a, b in widths]
    how = {
        "constant": {"constant_values": value or 0},
        "reflect": {},
        "replicate": {},
        "circular": {},
    }[mode]
    return np.pad(x[cut], widths, {"replicate": "edge", "circular": "wrap"}.get(mode, mode), **how)


op("pad", lambda m: [
    S(m(2, 3), (1, 2)), S(m(2, 3), (1, 0, 2, 1), "constant", 1.5 if not m.integral else 2), S(m(2, 4), (-1, 1)), S(m(1, 2, 4), (1, 2), "reflect"),
    S(m(1, 2, 4), (1, 2), "replicate"), S(m(1, 2, 4), (1, 2), "circular"), S(m(1, 1, 3, 4), (1, 0, 1, 2), mode="reflect"),
], _pad, torch="nn.functional.pad", dtypes=("float32", "float64", "bfloat16"), errors=[
    bad(F(2, 3), (1,), raises=RuntimeError, text="even|length|pad"), bad(F(2), (1, 1, 1, 1), raises=RuntimeError, text="length|pad|dim"),
    bad(F(1, 1, 3), (3, 0), "reflect", raises=RuntimeError, text="less|[Pp]adding"), bad(F(2, 3), (1, 1), "mirror", raises=NotImplementedError, text="mirror|mode", torch=False),
])  # fmt: skip

op("constant_pad_nd", lambda m: [S(m(2, 3), (1, 2)), S(m(2, 3), (1, 0, 2, 1), 2), S(m(2, 4), (-1, 1))], lambda x, pad, value=0: _pad(x, pad, "constant", value),
   dtypes=("float32", "float64", "int64"))  # fmt: skip
