"""Attention."""

from __future__ import annotations

import math

from pygrad import _C
from pygrad._C import Tensor, ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

scaled_dot_product_attention = ops.scaled_dot_product_attention


def _additive(mask: Tensor, like: Tensor) -> Tensor:
    """A bool mask (True is left out) as 0 and minus infinity; other masks as they are."""
    if mask.dtype == _C.bool:
        return ops.zeros(mask.shape, dtype=like.dtype, device=like.device).masked_fill_(
            mask, -math.inf
        )
    return mask


def _project(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    separate: tuple[Tensor | None, Tensor | None, Tensor | None],
) -> tuple[Tensor, Tensor, Tensor]:
    embed = query.shape[-1]
    weights: Any = separate
    if in_proj_weight is not None:
        if query is key and key is value:  # self-attention: one product for all three
            parts = ops.linear(query, in_proj_weight, in_proj_bias).chunk(3, -1)
            return parts[0], parts[1], parts[2]
        weights = in_proj_weight.split(embed)
    biases = (None, None, None) if in_proj_bias is None else in_proj_bias.split(embed)
    return (
        ops.linear(query, weights[0], biases[0]),
        ops.linear(key, weights[1], biases[1]),
        ops.linear(value, weights[2], biases[2]),
    )


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attention with several heads between projections; see :class:`~pygrad.nn.MultiheadAttention`.

    Args:
        query: shape ``(L, N, E)`` or ``(L, E)``.
        key, value: shape ``(S, N, *)`` or ``(S, *)``.
        key_padding_mask: shape ``(N, S)`` or ``(S,)``; True (or minus infinity) leaves a key out.
        attn_mask: shape ``(L, S)`` or ``(N * heads, L, S)``; True leaves a pair out.

    Returns:
        The output in ``query``'s shape and, if asked for, the attention weights.
    """
    batched = query.dim() == 3
    if query.dim() not in (2, 3) or key.dim() != query.dim() or value.dim() != query.dim():
        raise RuntimeError(
            f"multi_head_attention_forward(): query {tuple(query.shape)}, key {tuple(key.shape)},"
            f" value {tuple(value.shape)}; expected all 2-D or all 3-D"
        )
    if not batched:
        same = query is key and key is value
        query = query.unsqueeze(1)
        key, value = (query, query) if same else (key.unsqueeze(1), value.unsqueeze(1))
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    target, batch, embed = query.shape
    if embed != embed_dim_to_check:
        raise RuntimeError(
            f"was expecting embedding dimension of {embed_dim_to_check}, but got {embed}"
        )
    head_dim = embed // num_heads
    if head_dim * num_heads != embed:
        raise RuntimeError(f"embed_dim {embed} not divisible by num_heads {num_heads}")
    if key.shape[:2] != value.shape[:2]:
        raise RuntimeError(
            f"multi_head_attention_forward(): key {tuple(key.shape)} and value"
            f" {tuple(value.shape)} differ in length or batch"
        )
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    separate = (q_proj_weight, k_proj_weight, v_proj_weight)
    fused = None if use_separate_proj_weight else in_proj_weight
    q, k, v = _project(query, key, value, fused, in_proj_bias, separate)
    if bias_k is not None and bias_v is not None:
        k = ops.cat([k, bias_k.expand(1, batch, embed)])
        v = ops.cat([v, bias_v.expand(1, batch, embed)])

    def heads(tensor: Tensor) -> Tensor:  # (length, N, E) -> (N, heads, length, head_dim)
        return tensor.reshape(-1, batch, num_heads, head_dim).permute(1, 2, 0, 3)

    q = heads(q)
    k = heads(k) if static_k is None else static_k.reshape(batch, num_heads, -1, head_dim)
    v = heads(v) if static_v is None else static_v.reshape(batch, num_heads, -1, head_dim)
    if add_zero_attn:
        zero = q.new_zeros((batch, num_heads, 1, head_dim))
        k, v = ops.cat([k, zero], 2), ops.cat([v, zero], 2)
    mask = _merged_mask(q, k.shape[2], attn_mask, key_padding_mask, (batch, num_heads, target))
    dropped = dropout_p if training else 0.0
    weights = None
    if need_weights:
        scores = (q * (1.0 / math.sqrt(head_dim))).matmul(k.transpose(-2, -1))
        weights = ops.softmax(scores if mask is None else scores + mask, -1)
        weights = ops.dropout(weights, dropped, True)
        mixed = weights.matmul(v)
    else:
        mixed = scaled_dot_product_attention(q, k, v, mask, dropped)
    joined = mixed.permute(2, 0, 1, 3).reshape(target, batch, embed)
    out = ops.linear(joined, out_proj_weight, out_proj_bias)
    if not batched:
        out = out.squeeze(1)
    if weights is None:
        return out, None
    if average_attn_weights:
        weights = weights.mean(1)
    return out, weights if batched else weights.squeeze(0)


def _merged_mask(
    q: Tensor,
    source: int,
    attn_mask: Tensor | None,
    key_padding_mask: Tensor | None,
    sizes: tuple[int, int, int],
) -> Tensor | None:
    """Both masks as one that is added to scores of shape (N, heads, L, S)."""
    batch, num_heads, target = sizes
    total = None
    if attn_mask is not None:
        if attn_mask.dim() == 2:
            total = _additive(attn_mask, q).reshape(1, 1, *attn_mask.shape)
        elif attn_mask.dim() == 3:
            if attn_mask.shape[0] != batch * num_heads:
                raise RuntimeError(
                    f"The shape of the 3D attn_mask is {tuple(attn_mask.shape)}, but should be"
                    f" {(batch * num_heads, target, source)}."
                )
            total = _additive(attn_mask, q).reshape(batch, num_heads, *attn_mask.shape[1:])
        else:
            raise RuntimeError(f"attn_mask's dimension {attn_mask.dim()} is not supported")
    if key_padding_mask is not None:
        if key_padding_mask.shape[0] != batch:
            raise RuntimeError(
                f"multi_head_attention_forward(): key_padding_mask"
                f" {tuple(key_padding_mask.shape)} for a batch of {batch}"
            )
        padding = _additive(key_padding_mask, q).reshape(batch, 1, 1, -1)
        padding = _widened(padding, source)
        total = padding if total is None else _widened(total, source) + padding
    return None if total is None else _widened(total, source)


def _widened(mask: Tensor, source: int) -> Tensor:
    """Keys added by bias_k or add_zero_attn are always seen."""
    missing = source - mask.shape[-1]
    return ops.pad(mask, [0, missing], "constant", 0) if missing > 0 else mask


__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]
