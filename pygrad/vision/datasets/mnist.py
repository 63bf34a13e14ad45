"""MNIST (LeCun, Cortes and Burges) and FashionMNIST (Xiao, Rasul and Vollgraf, 2017)."""

from __future__ import annotations

import os

import pygrad
from pygrad.vision.datasets.idx import fetch_idx, find_idx, read_idx
from pygrad.vision.datasets.images import ImageDataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar

__all__ = ["MNIST", "FashionMNIST"]

# File names of images and labels, with the md5 of their content or of the published file.
_Files = dict[bool, tuple[tuple[str, str], tuple[str, str]]]


class MNIST(ImageDataset):
    """Handwritten digits, 28 x 28: 60000 for training and 10000 for testing.

    The idx files, plain or gzipped, are looked for in `root/MNIST/raw`, `root/mnist` and `root`,
    then in `$PYGRAD_DATA/mnist`.

    Args:
        root: folder to look in, and to download to.
        train: the training set, else the test set.
        transform: what is made of an image; see `ImageDataset`.
        target_transform: what is made of a target, an int.
        download: get the files from the net if they are found nowhere.

    Raises:
        RuntimeError: the files are not found, cannot be downloaded, or are truncated or altered.

    Example:
        >>> from pygrad.vision import datasets, transforms
        >>> data = datasets.MNIST("data", transform=transforms.ToTensor())  # doctest: +SKIP
        >>> image, target = data[0]  # doctest: +SKIP
    """

    folder = "mnist"
    mirrors: tuple[str, ...] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    files: ClassVar[_Files] = {
        True: (
            ("train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb"),
            ("train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624"),
        ),
        False: (
            ("t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea"),
            ("t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637"),
        ),
    }
    classes = (
        "0 - zero",
        "1 - one",
        "2 - two",
        "3 - three",
        "4 - four",
        "5 - five",
        "6 - six",
        "7 - seven",
        "8 - eight",
        "9 - nine",
    )

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        self.root = os.path.expanduser(os.fspath(root))
        self.train = bool(train)
        images_path, labels_path = self._locate(download)
        images = read_idx(images_path, 3)
        labels = read_idx(labels_path, 1)
        if len(images) != len(labels):
            raise RuntimeError(
                f"{type(self).__name__}(): {images_path} has {len(images)} images, but "
                f"{labels_path} has {len(labels)} labels; expected as many"
            )
        count = len(self.classes)
        if len(labels) and int(labels.max()) >= count:
            raise RuntimeError(
                f"{type(self).__name__}(): {labels_path} has the label {int(labels.max())}; "
                f"expected 0..{count - 1}"
            )
        super().__init__(images, labels.to(pygrad.int64), transform, target_transform)

    @property
    def raw_folder(self) -> str:
        """Where downloaded files are put."""
        return os.path.join(self.root, type(self).__name__, "raw")

    def _folders(self) -> list[str]:
        folders = [self.raw_folder, os.path.join(self.root, self.folder), self.root]
        shared = os.environ.get("PYGRAD_DATA")
        if shared:
            folders.append(os.path.join(shared, self.folder))
        return folders

    def _locate(self, download: bool) -> list[str]:
        folders = self._folders()
        paths = []
        for dims, (name, md5) in zip((3, 1), self.files[self.train], strict=False):
            path = find_idx(folders, name)
            if path is None and download:
                path = os.path.join(self.raw_folder, name)
                try:
                    fetch_idx([mirror + name + ".gz" for mirror in self.mirrors], path, md5, dims)
                except (RuntimeError, OSError) as error:
                    raise RuntimeError(
                        f"{type(self).__name__}(): {name} was not found in {', '.join(folders)}, "
                        f"and could not be downloaded: {error}"
                    ) from None
            if path is None:
                raise RuntimeError(
                    f"{type(self).__name__}(): Dataset not found: no {name} or {name}.gz in "
                    f"{', '.join(folders)}; expected it there, or set PYGRAD_DATA. "
                    "You can use download=True to download it"
                )
            paths.append(path)
        return paths

    def extra_repr(self) -> str:
        """Which of the two sets this is."""
        return f"Split: {'Train' if self.train else 'Test'}"


class FashionMNIST(MNIST):
    """Clothes, 28 x 28, in the format of MNIST.

    The files are looked for in `root/FashionMNIST/raw`, `root/fashion-mnist` and `root`, then in
    `$PYGRAD_DATA/fashion-mnist`. The arguments are MNIST's.
    """

    folder = "fashion-mnist"
    mirrors = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
    files: ClassVar[_Files] = {
        True: (
            ("train-images-idx3-ubyte", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            ("train-labels-idx1-ubyte", "25c81989df183df01b3e8a0aad5dffbe"),
        ),
        False: (
            ("t10k-images-idx3-ubyte", "bef4ecab320f06d8554ea6380940ec79"),
            ("t10k-labels-idx1-ubyte", "bb300cfdad3c16e7a12a480ee83cd310"),
        ),
    }
    classes = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )
