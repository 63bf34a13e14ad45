"""Transforms made of transforms and functions: Compose, RandomApply, Lambda."""

from __future__ import annotations

import pygrad
from pygrad.utils.data.dataset import batch_method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

__all__ = ["Compose", "Lambda", "RandomApply"]


def _indented(transforms: Sequence[Any]) -> list[str]:
    return [f"    {transform}" for transform in transforms]


class Compose:
    """One transform after the other.

    Args:
        transforms: in order.

    Example:
        >>> from pygrad.vision import transforms
        >>> transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
        Compose(
            ToTensor()
            Normalize(mean=(0.5,), std=(0.5,))
        )
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, image: Any) -> Any:
        for transform in self.transforms:
            image = transform(image)
        return image

    def apply_batch(self, images: Any) -> Any:
        """The transforms of a whole batch, or NotImplemented if one of them cannot do that."""
        for transform in self.transforms:
            apply = batch_method(transform, "apply_batch", ("__call__", "forward"))
            if apply is None:
                return NotImplemented
            images = apply(images)
            if images is NotImplemented:
                return NotImplemented
        return images

    def __repr__(self) -> str:
        return "\n".join([f"{type(self).__name__}(", *_indented(self.transforms), ")"])


class RandomApply:
    """All of the transforms with probability `p`, else none.

    Args:
        transforms: in order.
        p: probability.
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: float = 0.5) -> None:
        self.transforms = transforms
        self.p = p

    def __call__(self, image: Any) -> Any:
        if self.p < float(pygrad.rand(1)):
            return image
        for transform in self.transforms:
            image = transform(image)
        return image

    def __repr__(self) -> str:
        head = [f"{type(self).__name__}(", f"    p={self.p}"]
        return "\n".join([*head, *_indented(self.transforms), ")"])


class Lambda:
    """A function as a transform.

    Args:
        lambd: called with the image.

    Raises:
        TypeError: `lambd` cannot be called.
    """

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise TypeError(
                f"Lambda(): Argument lambd should be callable, got {type(lambd).__name__!r}"
            )
        self.lambd = lambd

    def __call__(self, image: Any) -> Any:
        return self.lambd(image)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
