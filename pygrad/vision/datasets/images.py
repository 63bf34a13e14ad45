"""The base of the datasets that are one tensor of images and one of targets."""

from __future__ import annotations

import pygrad
from pygrad.utils.data.dataset import Dataset, batch_method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from pygrad import Tensor

__all__ = ["ImageDataset"]

_pillow: Any = None


def pillow_image() -> Any:
    """Pillow's Image module, or False where it is not installed."""
    global _pillow
    if _pillow is None:
        try:
            from PIL import Image

            _pillow = Image
        except ImportError:
            _pillow = False
    return _pillow


class ImageDataset(Dataset):
    """Grey images of one size with integer targets.

    Args:
        data: images, uint8 (samples, height, width).
        targets: int64 (samples,).
        transform: what is made of an image; it is given a PIL image where Pillow is installed,
            else a uint8 tensor (height, width).
        target_transform: what is made of a target, an int.
    """

    classes: Sequence[str] = ()

    def __init__(
        self,
        data: Tensor,
        targets: Tensor,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        self.data = data
        self.targets = targets
        self.transform = transform
        self.target_transform = target_transform

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The target of each class."""
        return {name: index for index, name in enumerate(self.classes)}

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """The image, transformed, and its target."""
        image: Any = self.data[index]
        target: Any = int(self.targets[index])
        pillow = pillow_image()
        if pillow:
            image = pillow.fromarray(image.numpy())
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __getbatch__(self, indices: Sequence[int]) -> Any:
        """The collated batch, if all transforms can be applied to a whole batch."""
        if self.target_transform is not None or set(map(type, indices)) != {int}:
            return NotImplemented
        apply = None
        if self.transform is not None:
            apply = batch_method(self.transform, "apply_batch", ("__call__", "forward"))
            if apply is None:
                return NotImplemented
        elif pillow_image():
            return NotImplemented
        index = pygrad.tensor(indices)
        images: Any = self.data[index]
        if apply is not None:
            images = apply(images)
            if images is NotImplemented:
                return NotImplemented
        return [images, self.targets[index]]

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """A line more about this dataset."""
        return ""

    def __repr__(self) -> str:
        body = [f"Number of datapoints: {len(self)}"]
        root = getattr(self, "root", None)
        if root is not None:
            body.append(f"Root location: {root}")
        if self.extra_repr():
            body.append(self.extra_repr())
        lines = [f"Dataset {type(self).__name__}", *("    " + line for line in body)]
        transforms = (
            ("Transform: ", self.transform),
            ("Target transform: ", self.target_transform),
        )
        if any(function is not None for _, function in transforms):
            lines.append("    StandardTransform")
        for head, function in transforms:
            if function is not None:
                first, *rest = repr(function).splitlines()
                lines += [head + first, *(" " * len(head) + line for line in rest)]
        return "\n".join(lines)
