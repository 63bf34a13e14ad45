"""Training steps over sequences of characters: a transformer and an LSTM."""

from __future__ import annotations

from typing import Any

from benchmarks import models
from benchmarks.engines import TensorEngine
from benchmarks.row import Work, rows
from benchmarks.rows.train import trained

_VOCABULARY, _BLOCK, _WIDTH, _HEADS, _LAYERS = 65, 64, 128, 4, 4


def _gpt(b: TensorEngine, batch: int) -> tuple[Any, Any, Any, float]:
    """Model, tokens, the tokens that follow, and multiply-adds of one forward pass."""
    block, width, layers = b.cut(_BLOCK, 8), b.cut(_WIDTH, 8), b.cut(_LAYERS, 1)
    model = models.char_gpt(b, _VOCABULARY, block, width, _HEADS, layers)
    tokens = b.integers(_VOCABULARY, batch, block + 1)
    per_token = layers * (12 * width * width + 2 * block * width) + _VOCABULARY * width
    return model, tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous(), (
        float(batch * block * per_token)
    )  # fmt: skip


@rows("train", "char_gpt_b12_adamw")
def char_gpt_b12_adamw(b: TensorEngine) -> Work:
    model, tokens, following, macs = _gpt(b, b.cut(12, 2))
    optimizer, cross_entropy = b.optim.AdamW(model.parameters(), lr=1e-3), b.F.cross_entropy

    def loss_of() -> Any:
        return cross_entropy(model(tokens).view(-1, _VOCABULARY), following.view(-1))

    return trained(model, optimizer, loss_of, 6 * macs)


@rows("train", "char_gpt_b1_infer")
def char_gpt_b1_infer(b: TensorEngine) -> Work:
    model, tokens, _, macs = _gpt(b, 1)
    model.eval()
    no_grad = b.t.no_grad

    def infer() -> Any:
        with no_grad():
            return model(tokens)

    return Work(infer, flops=2 * macs, tol=1e-4)


@rows("train", "lstm_lm_h256_s64_b16")
def lstm_lm_h256_s64_b16(b: TensorEngine) -> Work:
    batch, steps, hidden = b.cut(16, 2), b.cut(64, 4), b.cut(256, 8)
    model = models.lstm_lm(b, _VOCABULARY, hidden)
    tokens = b.integers(_VOCABULARY, batch, steps + 1)
    given, following = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()
    optimizer, cross_entropy = b.optim.SGD(model.parameters(), lr=0.5), b.F.cross_entropy

    def loss_of() -> Any:
        return cross_entropy(model(given).view(-1, _VOCABULARY), following.view(-1))

    macs = batch * steps * (8 * hidden * hidden + _VOCABULARY * hidden)
    return trained(model, optimizer, loss_of, 6.0 * macs)
