# ruff: noqa: E501 -- tables of samples read better unwrapped
"""New tensors, random numbers, copies and conversions, and the ops that write in place."""

from __future__ import annotations

import numpy as np

from tests.opinfo.record import ALL, FLOATS, INTS, F, S, bad, op

SOME = ("float32", "float64", "bfloat16", "int64", "uint8", "bool", "complex64", "complex128")
DEVICE = {"device": "here"}
ONE = {"dtypes": ("float32",), "grad": False}
NEGATIVE = bad(-1, 2, raises=RuntimeError, text="negative|-1")


def D(*args, **kwargs):  # noqa: N802
    return S(*args, **kwargs, **DEVICE)


def sizes(f):
    return lambda *s, dtype=None, device=None: f(
        s[0] if len(s) == 1 and isinstance(s[0], (tuple, list)) else s
    )


for name, ref in (("zeros", np.zeros), ("ones", np.ones)):
    op(name, [D(2, 3), D((2, 3)), D(0, 2), D([4], dtype="dtype:int32"), D(())], sizes(ref), result=None, errors=[
        NEGATIVE, bad("a", raises=TypeError, text="argument|str|size"), bad(2**40, 2**40, raises=RuntimeError, text="overflow|too large|allocat|size|memory"),
    ], **ONE)  # fmt: skip
    op(
        name + "_like",
        lambda m: [S(m(2, 3)), S(m()), S(m(0, 2)), S(m(2), dtype="dtype:float64")],
        lambda x, dtype=None, f=ref: f(x.shape),
        dtypes=SOME,
        result=None,
        grad=False,
    )
    op(
        "new_" + name,
        lambda m: [S(m(2), 2, 3), S(m(2), (4,))],
        lambda x, *s, f=ref: sizes(f)(*s),
        dtypes=SOME,
        grad=False,
    )
op(
    "empty",
    [D(2, 3), D((0,)), D(2, dtype="dtype:int64")],
    None,
    result=None,
    random=True,
    errors=[NEGATIVE],
    **ONE,
)
op("empty_like", lambda m: [S(m(2, 3)), S(m())], None, dtypes=SOME, random=True, grad=False)
op("new_empty", lambda m: [S(m(2), 2, 3)], None, dtypes=SOME, random=True, grad=False)
op(
    "empty_strided",
    [D((2, 3), (3, 1)), D((2, 3), (1, 2))],
    None,
    result=None,
    random=True,
    errors=[bad((2, 3), (1,), raises=RuntimeError, text="length|mismatch|stride")],
    **ONE,
)
op("full", [D((2, 3), 1.5), D((2,), 7), D((), True), D((2,), 3, dtype="dtype:float64"), D((2,), 1j)], lambda s, v, dtype=None, device=None: np.full(s, v), result=None,
   errors=[bad((-1,), 2, raises=RuntimeError, text="negative|-1"), bad((2,), raises=TypeError, text="fill_value|missing")], **ONE)  # fmt: skip
op(
    "full_like",
    lambda m: [S(m(2, 3), 1), S(m(), 0)],
    lambda x, v: np.full(x.shape, v),
    dtypes=SOME,
    grad=False,
)
op(
    "new_full",
    lambda m: [S(m(2), (2, 3), 1)],
    lambda x, s, v: np.full(s, v),
    dtypes=SOME,
    grad=False,
)
op(
    "scalar_tensor",
    [D(1.5), D(2, dtype="dtype:int64")],
    lambda v, dtype=None, device=None: np.asarray(v),
    result=None,
    **ONE,
)
op(
    "eye",
    [D(3), D(2, 4), D(0)],
    lambda n, m=None, device=None: np.eye(n, m),
    result="float32",
    errors=[bad(-1, raises=RuntimeError, text="-1|negative|greater")],
    **ONE,
)
op("arange", [D(5), D(1, 9, 2), D(0.0, 1.0, 0.25), D(5, 0, -2), D(0), D(3, dtype="dtype:float32")], lambda *a, dtype=None, device=None: np.arange(*a), result=None, errors=[
    bad(0, 5, -1, raises=RuntimeError, text="bound|step|sign"), bad(0, 5, 0, raises=RuntimeError, text="step|zero"),
], **ONE)  # fmt: skip
op(
    "range",
    [D(0, 4), D(1, 2, 0.5)],
    lambda a, b, s=1, device=None: np.arange(a, b + s / 2, s),
    result="float32",
    torch="",
    **ONE,
)
op("linspace", [D(0, 1, 5), D(-2, 3.5, 33), D(1, 1, 1), D(0, 1, 0)], lambda a, b, n, device=None: np.linspace(a, b, n), result="float32", errors=[
    bad(0, 1, -1, raises=RuntimeError, text="steps|negative"),
], **ONE)  # fmt: skip
op(
    "logspace",
    [D(0, 2, 5), D(-1, 1, 3, base=2.0)],
    lambda a, b, n, base=10.0, device=None: np.logspace(a, b, n, base=base),
    result="float32",
    **ONE,
)
op(
    "tril_indices",
    [D(3, 4), D(4, 3, 1), D(3, 3, -1)],
    lambda a, b, offset=0, device=None: np.stack(np.tril_indices(a, offset, b)),
    result="int64",
    **ONE,
)
op(
    "triu_indices",
    [D(3, 4), D(4, 3, 1), D(3, 3, -1)],
    lambda a, b, offset=0, device=None: np.stack(np.triu_indices(a, offset, b)),
    result="int64",
    **ONE,
)

# --- random numbers: shape and dtype here, distributions and streams in core/test_random.py
DRAWN = {"random": True, "ref": None, "grad": False, "isa": False}
for name in ("rand", "randn"):
    op(
        name,
        [D(2, 3), D((4,)), D(2, dtype="dtype:float64")],
        dtypes=("float32",),
        result=None,
        errors=[
            NEGATIVE,
            bad(
                2, dtype="dtype:int64", raises=RuntimeError, text="int64|Long|float|not implemented"
            ),
        ],
        **DRAWN,
    )
    op(name + "_like", lambda m: [S(m(2, 3))], dtypes=FLOATS, **DRAWN)
op("randint", [D(5, (2, 3)), D(-2, 5, (4,)), D(0, 3, (2,), dtype="dtype:float32")], dtypes=("float32",), result=None, errors=[
    bad(3, 3, (2,), raises=RuntimeError, text="from|to|low|high|less"),
], **DRAWN)  # fmt: skip
op("randint_like", lambda m: [S(m(2, 3), 5), S(m(2), 1, 4)], dtypes=FLOATS + INTS, **DRAWN)
op(
    "randperm",
    [D(7), D(0), D(1)],
    dtypes=("float32",),
    result="int64",
    errors=[bad(-1, raises=RuntimeError, text="-1|negative|non-neg")],
    **DRAWN,
)
op("normal", lambda m: [S(m(3), m(3, low=0.1)), S(m(3), 2.0), S(1.0, m(3, low=0.1)), S(0.0, 1.0, (2, 3), device="here")], dtypes=("float32", "float64"), errors=[
    bad(0.0, -1.0, (2,), raises=RuntimeError, text="std|-1"),
], **{**DRAWN, "result": None})  # fmt: skip
op(
    "bernoulli",
    lambda m: [S(m(3, low=0.1, high=0.9)), S(m(3), 0.5)],
    dtypes=FLOATS,
    errors=[bad(F(2), 1.5, raises=RuntimeError, text="1.5|0 <= p|range|between")],
    **DRAWN,
)
op("poisson", lambda m: [S(m(3, low=0.1, high=3))], dtypes=FLOATS, **DRAWN)
op("multinomial", lambda m: [S(m(5, low=0.1), 3), S(m(2, 4, low=0.1), 6, True)], dtypes=("float32", "float64"), result="int64", errors=[
    bad(F(3), 4, raises=RuntimeError, text="4|replacement|sample"), bad(F(3), 0, raises=RuntimeError, text="0|n_sample|num_samples"),
    bad(F(2, 2, 2), 1, raises=RuntimeError, text="dim"),
], **DRAWN)  # fmt: skip
for name, args in (
    ("uniform_", [(), (1.0, 2.0)]), ("normal_", [(), (1.0, 2.0)]), ("exponential_", [(), (2.0,)]), ("cauchy_", [()]), ("log_normal_", [()]), ("geometric_", [(0.5,)]),
    ("random_", [(), (5,), (2, 9)]), ("bernoulli_", [(), (0.3,)]),
):  # fmt: skip
    op(
        name,
        lambda m, args=args: [S(m(2, 3), *a) for a in args],
        dtypes=("float32", "float64"),
        layouts=False,
        **DRAWN,
    )

# --- copies and conversions
for name in ("clone", "contiguous"):
    op(name, lambda m: [S(m(2, 3)), S(m()), S(m(0)), S(m(129))], lambda x: x, dtypes=ALL)
op("to", lambda m: [S(m(2, 3), "dtype:complex128"), S(m(2), dtype="dtype:float64"), *([] if m.grad else [S(m(2, 3), "dtype:float32"), S(m(2, 3), "dtype:complex64")])], lambda x, dtype=None: x, dtypes=FLOATS + INTS + ("bool",), result=None,
   torch="Tensor.to", gradgrad=False, grad=True)  # fmt: skip
op(
    "type_as",
    lambda m: [S(m(2, 3), m(2)), S(m(2), m(1, dtype="float64"))],
    lambda x, o: x,
    dtypes=FLOATS,
    result=None,
    torch="Tensor.type_as",
)
for name, dtype in (
    ("float", "float32"), ("double", "float64"), ("half", "float16"), ("bfloat16", "bfloat16"), ("int", "int32"), ("long", "int64"), ("short", "int16"), ("char", "int8"),
    ("byte", "uint8"), ("bool", "bool"), ("cfloat", "complex64"), ("cdouble", "complex128"),
):  # fmt: skip
    whole = dtype in (*INTS, "bool")
    op(name, lambda m, whole=whole: [S(m(2, 3, low=0 if whole else -3)), S(m(33, low=0 if whole else -3))], lambda x: x,
       dtypes=FLOATS + INTS + ("bool",), result=dtype, grad=not whole and name not in ("float", "half", "bfloat16", "cfloat"), torch=f"Tensor.{name}")  # fmt: skip
op("item", lambda m: [S(m()), S(m(1)), S(m(1, 1))], lambda x: x.item(), dtypes=SOME, result=None, grad=False, torch="Tensor.item", errors=[
    bad(F(2), raises=RuntimeError, text="2 elements"), bad(F(0), raises=RuntimeError, text="0 elements"),
])  # fmt: skip
op(
    "cpu",
    lambda m: [S(m(2, 3))],
    lambda x: x,
    dtypes=("float32", "float64", "int64"),
    torch="Tensor.cpu",
)
op("pin_memory", lambda m: [S(m(2, 3))], lambda x: x, dtypes=("float32", "float64"), torch="")

# --- in place by nature
op("copy_", lambda m: [S(m(2, 3), m(2, 3)), S(m(2, 3), m(3)), S(m(2), m()), S(m(2, 3), m(2, 1, dtype="float64" if not m.complex else None))], lambda x, s: np.broadcast_to(s, x.shape),
   dtypes=SOME, result=None, layouts=False, torch="Tensor.copy_", errors=[bad(F(2), F(3), raises=RuntimeError, text="size|shape|broadcast|match")])  # fmt: skip
op("fill_", lambda m: [S(m(2, 3), 1), S(m(3), m()), S(m(0), 1)], lambda x, v: np.broadcast_to(v, x.shape), dtypes=SOME, layouts=False, torch="Tensor.fill_", errors=[
    bad(F(2), F(2), raises=RuntimeError, text="0-dim|0-d"),
])  # fmt: skip
op(
    "zero_",
    lambda m: [S(m(2, 3)), S(m()), S(m(0))],
    np.zeros_like,
    dtypes=SOME,
    layouts=False,
    torch="Tensor.zero_",
)
