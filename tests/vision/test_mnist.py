"""MNIST and its idx files: finding, reading, damage, and whole batches."""

import gzip
import os
import struct
import urllib.request

import pytest

import pygrad
from pygrad.utils.data import DataLoader, default_collate
from pygrad.vision import datasets, transforms

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def idx(values, shape):
    head = bytes((0, 0, 8, len(shape))) + struct.pack(f">{len(shape)}I", *shape)
    return head + bytes(values)


def images(count=5):
    return idx([(i * 7) % 256 for i in range(count * 784)], (count, 28, 28))


def labels(count=5):
    return idx([i % 10 for i in range(count)], (count,))


@pytest.fixture(autouse=True)
def no_shared_data(monkeypatch):
    monkeypatch.delenv("PYGRAD_DATA", raising=False)


def write(folder, first=None, second=None, packed=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in ((IMAGES, first or images()), (LABELS, second or labels())):
        if packed:
            (folder / (name + ".gz")).write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("place", ["MNIST/raw", "mnist", "."])
def test_found_in_root(tmp_path, place, packed):
    write(tmp_path / place, packed=packed)
    dataset = datasets.MNIST(tmp_path, transform=transforms.ToTensor())
    assert len(dataset) == 5
    assert tuple(dataset.data.shape) == (5, 28, 28)
    assert dataset.data.dtype == pygrad.uint8
    assert dataset.targets.tolist() == [0, 1, 2, 3, 4]
    assert dataset.targets.dtype == pygrad.int64
    assert dataset.train is True
    assert dataset.class_to_idx["3 - three"] == 3
    image, target = dataset[3]
    assert tuple(image.shape) == (1, 28, 28)
    assert image.dtype == pygrad.float32
    assert image[0, 0, :3].tolist() == pytest.approx(
        [(i * 7) % 256 / 255 for i in range(3 * 784, 3 * 784 + 3)]
    )
    assert (type(target), target) == (int, 3)


def test_found_in_the_shared_folder(tmp_path, monkeypatch):
    write(tmp_path / "shared" / "mnist")
    write(tmp_path / "shared" / "fashion-mnist", images(2), labels(2))
    monkeypatch.setenv("PYGRAD_DATA", str(tmp_path / "shared"))
    assert len(datasets.MNIST(tmp_path / "no")) == 5
    fashion = datasets.FashionMNIST(tmp_path / "no")
    assert len(fashion) == 2
    assert fashion.class_to_idx["Ankle boot"] == 9


def test_not_found_says_where_it_looked(tmp_path):
    with pytest.raises(RuntimeError) as caught:
        datasets.MNIST(tmp_path, train=False)
    for text in ("t10k-images", str(tmp_path / "MNIST" / "raw"), "download=True", "PYGRAD_DATA"):
        assert text in str(caught.value)


def test_failed_download_leaves_nothing(tmp_path, monkeypatch):
    def refuse(url, timeout):
        raise OSError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(RuntimeError, match="no route to host") as caught:
        datasets.MNIST(tmp_path, download=True)
    assert str(tmp_path) in str(caught.value)
    assert not list(tmp_path.rglob("*ubyte*"))


def test_download_checks_the_content(tmp_path, monkeypatch):
    import hashlib
    import io

    sent = {IMAGES: images(), LABELS: labels()}

    def serve(url, timeout):
        name = url.rpartition("/")[2].removesuffix(".gz")
        return io.BytesIO(gzip.compress(sent[name]))

    monkeypatch.setattr(urllib.request, "urlopen", serve)
    with pytest.raises(RuntimeError, match="md5"):
        datasets.MNIST(tmp_path, download=True)
    assert not list(tmp_path.rglob("*ubyte*"))
    files = tuple((name, hashlib.md5(content).hexdigest()) for name, content in sent.items())
    monkeypatch.setattr(datasets.MNIST, "files", {True: files})
    assert len(datasets.MNIST(tmp_path, download=True)) == 5
    assert sorted(os.listdir(tmp_path / "MNIST" / "raw")) == [IMAGES, LABELS]


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (images()[:-9], "found 3927 bytes, expected 3936"),
        (images() + b"x", "found 3937 bytes, expected 3936"),
        (images()[:10], "truncated"),
        (b"\x01", "starts with 01"),
        (labels(), "expected 00000803"),
        (gzip.compress(images())[:-20], "truncated or altered"),
        (images(4), "4 images"),
    ],
)
def test_damaged_file(tmp_path, damaged, message):
    write(tmp_path, damaged)
    with pytest.raises(RuntimeError, match=message) as caught:
        datasets.MNIST(tmp_path)
    assert IMAGES in str(caught.value)


def test_label_out_of_range(tmp_path):
    write(tmp_path, images(2), idx([1, 10], (2,)))
    with pytest.raises(RuntimeError, match="label 10"):
        datasets.MNIST(tmp_path)


CHAINS = [
    transforms.ToTensor(),
    transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]),
    transforms.Compose([transforms.ToTensor(), transforms.Lambda(lambda x: x.flatten())]),
]


@pytest.mark.parametrize("transform", CHAINS)
def test_whole_batches_equal_collated_samples(tmp_path, transform):
    write(tmp_path)
    dataset = datasets.MNIST(tmp_path, transform=transform)
    batches = list(DataLoader(dataset, 2))
    expected = list(DataLoader(dataset, 2, collate_fn=lambda samples: default_collate(samples)))
    for (x, y), (u, v) in zip(batches, expected):
        assert x.dtype == u.dtype
        assert x.tolist() == u.tolist()
        assert y.dtype == v.dtype
        assert y.tolist() == v.tolist()


def test_overridden_parts_are_not_passed_by(tmp_path):
    class Inverted(transforms.ToTensor):
        def __call__(self, image):
            return 1.0 - super().__call__(image)

    class Shifted(datasets.MNIST):
        def __getitem__(self, index):
            image, target = super().__getitem__(index)
            return image, target + 100

    write(tmp_path)
    ((x, _),) = DataLoader(datasets.MNIST(tmp_path, transform=Inverted()), 5)
    assert x[0, 0, 0, 0].item() == 1.0
    folder = tmp_path / "Shifted" / "raw"
    folder.mkdir(parents=True)
    ((_, y),) = DataLoader(Shifted(tmp_path, transform=transforms.ToTensor()), 5)
    assert y.tolist() == [100, 101, 102, 103, 104]


def test_target_transform_and_repr(tmp_path):
    write(tmp_path)
    dataset = datasets.MNIST(
        tmp_path, transform=transforms.ToTensor(), target_transform=lambda target: -target
    )
    ((_, y),) = DataLoader(dataset, 5)
    assert y.tolist() == [0, -1, -2, -3, -4]
    plain = datasets.MNIST(tmp_path, transform=transforms.Compose([transforms.ToTensor()]))
    assert repr(plain) == (
        "Dataset MNIST\n    Number of datapoints: 5\n"
        f"    Root location: {tmp_path}\n    Split: Train\n    StandardTransform\n"
        "Transform: Compose(\n               ToTensor()\n           )"
    )


SHARED = os.environ.get("PYGRAD_DATA")


@pytest.mark.skipif(not SHARED, reason="PYGRAD_DATA is not set")
def test_real_mnist(tmp_path, monkeypatch):
    monkeypatch.setenv("PYGRAD_DATA", SHARED)
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    )
    train = datasets.MNIST(tmp_path, train=True, transform=transform)
    test = datasets.MNIST(tmp_path, train=False)
    assert (len(train), len(test)) == (60000, 10000)
    assert train.targets[:5].tolist() == [5, 0, 4, 1, 9]
    assert train.data.float().mean().item() / 255 == pytest.approx(0.1307, abs=1e-4)

    def refuse(self, index):
        raise AssertionError("the loader asked for a single sample")

    # On the class that also has the batch method: an override below it would rightly win.
    monkeypatch.setattr(datasets.ImageDataset, "__getitem__", refuse)
    assert sum(len(x) for x, _ in DataLoader(train, 64, shuffle=True)) == 60000


def test_digits():
    pytest.importorskip("sklearn")
    train, test = datasets.Digits(transform=transforms.ToTensor()), datasets.Digits(train=False)
    assert len(train) + len(test) == len(datasets.Digits(train=None)) == 1797
    image, target = train[0]
    assert tuple(image.shape) == (1, 8, 8)
    assert 0.0 <= image.min().item() <= image.max().item() <= 1.0
    assert (train.data.min().item(), train.data.max().item()) == (0, 255)
    assert target == 0


def test_digits_without_scikit_learn(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r"pip install 'pygrad\[examples\]'"):
        datasets.Digits()
