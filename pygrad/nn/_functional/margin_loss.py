"""Margin, ranking and embedding losses."""

from __future__ import annotations

from pygrad._C import Tensor, ops
from pygrad.nn._functional.activation import logsigmoid
from pygrad.nn._functional.distance import pairwise_distance
from pygrad.nn._functional.loss import reduced, reduction_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return ``input`` where ``target`` is 1 and ``max(0, margin - input)`` where it is -1."""
    code = reduction_code("hinge_embedding_loss", reduction, size_average, reduce)
    far = (margin - input).clamp_min(0).masked_fill(target == 1, 0)
    near = input.masked_fill(target == -1, 0)
    return reduced(far + near, code)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return ``max(0, -target * (input1 - input2) + margin)``, reduced."""
    code = reduction_code("margin_ranking_loss", reduction, size_average, reduce)
    if not input1.dim() == input2.dim() == target.dim():
        raise RuntimeError(
            f"margin_ranking_loss(): dimensions differ: input1 {tuple(input1.shape)}, input2"
            f" {tuple(input2.shape)}, target {tuple(target.shape)}"
        )
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), code)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return ``1 - cos`` where ``target`` is 1 and ``max(0, cos - margin)`` where it is -1.

    Args:
        input1, input2: shape ``(N, D)`` or ``(D,)``.
        target: shape ``(N,)`` or ``()``.
    """
    code = reduction_code("cosine_embedding_loss", reduction, size_average, reduce)
    if target.dim() + 1 != input1.dim() or target.dim() + 1 != input2.dim():
        raise RuntimeError(
            f"cosine_embedding_loss(): target {tuple(target.shape)} does not fit inputs"
            f" {tuple(input1.shape)} and {tuple(input2.shape)}; expected (N,) with (N, D), or ()"
            " with (D,)"
        )
    tiny = 1e-12
    product = (input1 * input2).sum(-1)
    lengths = ((input1 * input1).sum(-1) + tiny) * ((input2 * input2).sum(-1) + tiny)
    cos = product / lengths.sqrt()
    near = (1 - cos).masked_fill(target != 1, 0)
    far = (cos - margin).clamp_min(0).masked_fill(target != -1, 0)
    return reduced(near + far, code)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return ``max(0, d(anchor, positive) - d(anchor, negative) + margin)``, reduced.

    With ``swap`` the negative's distance is the smaller of those to anchor and positive.
    """
    reduction_code("triplet_margin_loss", reduction, size_average, reduce)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return pairwise_distance(a, b, p, eps)

    return triplet_margin_with_distance_loss(
        anchor, positive, negative,
        distance_function=distance, margin=margin, swap=swap, reduction=reduction,
    )  # fmt: skip


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """:func:`triplet_margin_loss` with a distance of your own."""
    code = reduction_code("triplet_margin_with_distance_loss", reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError(
            f"triplet_margin_loss(): dimensions differ: anchor {anchor.dim()}-D, positive"
            f" {positive.dim()}-D, negative {negative.dim()}-D"
        )
    distance = pairwise_distance if distance_function is None else distance_function
    near = distance(anchor, positive)
    far = distance(anchor, negative)
    if swap:
        far = ops.minimum(far, distance(positive, negative))
    return reduced((near - far + margin).clamp_min(0), code)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return ``log(1 + exp(-target * input))``, reduced, for targets 1 and -1."""
    code = reduction_code("soft_margin_loss", reduction, size_average, reduce)
    return reduced((-target * input).exp().log1p(), code)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean over classes of the binary cross entropy of logits, then reduced."""
    code = reduction_code("multilabel_soft_margin_loss", reduction, size_average, reduce)
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return reduced(loss.sum(-1) / input.shape[-1], code)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean over other classes of ``max(0, margin - input[target] + input[i]) ** p``.

    Args:
        input: scores, shape ``(N, C)`` or ``(C,)``.
        target: class numbers, shape ``(N,)`` or ``()``.
        p: 1 or 2.
        weight: a factor per class, shape ``(C,)``.
    """
    code = reduction_code("multi_margin_loss", reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss(): p is {p}; only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    place = target.reshape(-1, 1)
    scores = input.reshape(place.shape[0], -1)
    loss = (margin - scores.gather(1, place) + scores).clamp_min(0)
    if p == 2:
        loss = loss * loss
    if weight is not None:
        loss = loss * weight[place]
    own = ops.zeros_like(scores.detach()).scatter_(1, place, 1.0)
    loss = (loss * (1 - own)).sum(1) / scores.shape[1]
    return reduced(loss.reshape(target.shape), code)
