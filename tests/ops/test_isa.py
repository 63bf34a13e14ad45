"""Every instruction set gives what the baseline gives, within the op's tolerance."""

from __future__ import annotations

import pytest

from pygrad import _C
from tests.conftest import SEED
from tests.opinfo import ALIASES, OPS
from tests.opinfo.record import dtype_name, mismatch, to_numpy
from tests.opinfo.run import call, flatten, is_tensor

DTYPES = ("float32", "float64", "bfloat16", "float16", "int32", "complex64")
OTHERS = [name for name in _C.available_isas() if name != "baseline"]
NAMES = [n for n, info in OPS.items() if info.isa and not info.random and n not in ALIASES]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", OTHERS)
def test_agrees_with_baseline(name, other, isa):
    info = OPS[name]
    for dtype in DTYPES:
        if dtype not in info.dtypes:
            continue
        samples = list(info.draw(dtype, SEED))
        isa("baseline")
        expected = [flatten(call(info, s)) for s in samples]
        isa(other)
        for sample, base in zip(samples, expected, strict=True):
            for a, b in zip(flatten(call(info, sample)), base, strict=True):
                if not is_tensor(a):
                    assert a == b or a != a, f"{name}{sample!r}"
                    continue
                text = mismatch(to_numpy(a), to_numpy(b), *info.tolerance(dtype_name(a)))
                assert not text, f"{name}{sample!r} with {other}: {text}"


def test_unknown_instruction_set_is_refused():
    with pytest.raises(ValueError, match="mmx"):
        _C.set_isa("mmx")
