"""Every op against its NumPy reference: dtypes, layouts, sizes, special values."""

from __future__ import annotations

import pytest

from tests.conftest import SEED
from tests.opinfo import OPS
from tests.opinfo.record import arrange, dtype_name, mismatch, reference, to_numpy
from tests.opinfo.run import (
    LIBRARY,
    call,
    call_args,
    compare,
    flatten,
    function,
    input_dtype,
    is_tensor,
    with_device,
)

LAYOUTS = ("transposed", "strided", "offset", "expanded", "negative")
# All layouts for these; the others share their kernels' loops, so two layouts are enough.
THOROUGH = ("float32", "int64", "bool", "complex64")
CASES = [
    pytest.param(name, dtype, id=f"{name}-{dtype}")
    for name, info in OPS.items()
    for dtype in info.dtypes
]


def check(info, sample, dtype, device, layout):
    what = f"{info.name}{sample!r} {layout}"
    result = call(info, sample, device, layout)
    got = flatten(result)
    if not info.random and info.ref is not None:
        expected = flatten(reference(info, sample))
        assert len(got) == len(expected), f"{what}: {len(got)} results, expected {len(expected)}"
        for actual, values in zip(got, expected, strict=True):
            if values is not None:
                compare(info, actual, values, what)
    main = input_dtype(info, sample)
    wanted = info.result_dtype(main) if main is not None else info.result
    if wanted in (None, "same", "float", "sum", "real"):
        return
    for actual in got:
        if is_tensor(actual):
            assert dtype_name(actual) == wanted, (
                f"{what}: result is {actual.dtype}, expected {wanted}"
            )
            break


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_values(name, dtype, device):
    info = OPS[name]
    for sample in info.draw(dtype, SEED):
        check(info, sample, dtype, device, "contiguous")
        if not info.layouts or not any(o.values.ndim for o in sample.operands()):
            continue
        for layout in LAYOUTS if dtype in THOROUGH else ("strided", "negative"):
            if layout == "expanded" and not info.ties:
                continue
            arranged = type(sample)(*sample.map(lambda o: arrange(o, layout)))
            check(info, arranged, dtype, device, layout)


@pytest.mark.parametrize("name", list(OPS))
def test_inputs_stay_as_they_were(name, device):
    info = OPS[name]
    if name.endswith("_") and not name.endswith("__"):
        pytest.skip("works in place by its nature")
    dtype = "float32" if "float32" in info.dtypes else info.dtypes[0]
    for sample in info.draw(dtype, SEED):
        kept = []
        args, kwargs = call_args(LIBRARY, sample, device)
        function(info)(*args, **with_device(kwargs, device))
        for value in (*args, *kwargs.values()):
            kept += [to_numpy(t) for t in flatten(value) if is_tensor(t)]
        for operand, after in zip(sample.operands(), kept, strict=True):
            text = mismatch(after, operand.values, 0, 0)
            assert not text, f"{name}{sample!r} changed its input: {text}"
