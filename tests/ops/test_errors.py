"""Every error input of every op: the exception's type, its text, and nothing changed."""

from __future__ import annotations

import re

import pytest

from tests.opinfo import ALIASES, OPS
from tests.opinfo.run import call

CASES = [
    pytest.param(name, i, id=f"{name}-{i}")
    for name, info in OPS.items()
    if name not in ALIASES
    for i in range(len(info.errors))
]


@pytest.mark.parametrize(("name", "number"), CASES)
def test_refused(name, number, device):
    info = OPS[name]
    error = info.errors[number]
    with pytest.raises(error.kind) as caught:
        call(info, error.sample, device)
    text = str(caught.value)
    assert re.search(error.text, text), f"{name}{error.sample!r} says {text!r}"
    assert f"{name}()" in text or "internal" not in text, text
