"""Transforms of tensors, arrays and PIL images."""

import pytest

import pygrad
from pygrad.vision import transforms
from pygrad.vision.transforms import functional


def grid(*shape):
    count = 1
    for size in shape:
        count *= size
    return pygrad.arange(count).reshape(*shape)


def test_to_tensor_takes_bytes():
    image = grid(2, 3).to(pygrad.uint8)
    tensor = transforms.ToTensor()(image)
    assert tuple(tensor.shape) == (1, 2, 3)
    assert tensor.flatten().tolist() == pytest.approx([i / 255 for i in range(6)])
    coloured = transforms.ToTensor()(grid(2, 2, 3).to(pygrad.uint8))
    assert tuple(coloured.shape) == (3, 2, 2)
    assert coloured[1].flatten().tolist() == pytest.approx([1 / 255, 4 / 255, 7 / 255, 10 / 255])
    assert transforms.ToTensor()(pygrad.ones(2, 2)).max().item() == 1.0
    with pytest.raises(TypeError, match="PIL image, ndarray or Tensor"):
        transforms.ToTensor()([1, 2])
    with pytest.raises(ValueError, match="2/3 dimensional"):
        transforms.ToTensor()(pygrad.ones(3))


def test_to_tensor_takes_arrays():
    numpy = pytest.importorskip("numpy")
    array = numpy.arange(12, dtype="uint8").reshape(2, 2, 3)
    assert transforms.ToTensor()(array)[2, 1, 1].item() == pytest.approx(11 / 255)
    assert transforms.ToTensor()(array[:, ::-1])[0, 0, 0].item() == pytest.approx(3 / 255)


def test_pil_images():
    image_module = pytest.importorskip("PIL.Image")
    numpy = pytest.importorskip("numpy")
    array = numpy.arange(20, dtype="uint8").reshape(4, 5)
    image = image_module.fromarray(array)
    assert transforms.PILToTensor()(image).tolist() == [array.tolist()]
    assert transforms.ToTensor()(image)[0, 3, 4].item() == pytest.approx(19 / 255)
    for transform in (transforms.Pad(2), transforms.CenterCrop(3), transforms.Pad(1, 0, "edge")):
        there = transforms.PILToTensor()(transform(image))
        assert there.tolist() == transform(transforms.PILToTensor()(image)).tolist()
    assert transforms.Resize((2, 3))(image).size == (3, 2)
    assert transforms.RandomHorizontalFlip(1.0)(image).getpixel((0, 0)) == 4
    with pytest.raises(TypeError, match="PIL"):
        transforms.PILToTensor()(pygrad.ones(2))


def test_normalize():
    image = pygrad.stack([pygrad.ones(2, 2), pygrad.full((2, 2), 3.0)])
    result = transforms.Normalize((0.5, 1.0), (0.5, 2.0))(image)
    assert result.flatten().tolist() == [1.0] * 8
    assert image[0, 0, 0].item() == 1.0
    transforms.Normalize((0.5, 1.0), (0.25, 2.0), inplace=True)(image)
    assert image[0, 0, 0].item() == 2.0
    with pytest.raises(TypeError, match="float tensor"):
        transforms.Normalize((0.5,), (0.5,))(grid(1, 2, 2))
    with pytest.raises(ValueError, match="tensor image"):
        transforms.Normalize((0.5,), (0.5,))(pygrad.ones(2, 2))
    with pytest.raises(ValueError, match="division by zero"):
        transforms.Normalize((0.5,), (0.0,))(pygrad.ones(1, 2, 2))


def test_convert_image_dtype():
    image = pygrad.tensor([[[0, 128, 255]]], dtype=pygrad.uint8)
    floats = transforms.ConvertImageDtype(pygrad.float32)(image)
    assert floats.flatten().tolist() == pytest.approx([0.0, 128 / 255, 1.0])
    back = transforms.ConvertImageDtype(pygrad.uint8)(floats)
    assert back.tolist() == image.tolist()
    wide = transforms.ConvertImageDtype(pygrad.int16)(image)
    assert wide.flatten().tolist() == [0, 128 * 128, 255 * 128]


def test_compose_lambda_and_apply():
    double = transforms.Lambda(lambda x: x * 2)
    assert transforms.Compose([double, double])(3) == 12
    assert transforms.RandomApply([double], p=1.0)(3) == 6
    assert transforms.RandomApply([double], p=0.0)(3) == 3
    with pytest.raises(TypeError, match="callable"):
        transforms.Lambda(3)


def test_crops_flips_and_pads():
    image = grid(1, 4, 5)
    assert transforms.CenterCrop(2)(image).tolist() == [[[7, 8], [12, 13]]]
    assert tuple(transforms.CenterCrop((6, 7))(image).shape) == (1, 6, 7)
    assert transforms.RandomHorizontalFlip(1.0)(image)[0, 0].tolist() == [4, 3, 2, 1, 0]
    assert transforms.RandomHorizontalFlip(0.0)(image) is image
    assert transforms.Pad((1, 2, 0, 0), fill=9)(image)[0, :, :2].tolist() == [
        [9, 9], [9, 9], [9, 0], [9, 5], [9, 10], [9, 15],
    ]  # fmt: skip
    symmetric = transforms.Pad((2, 0), padding_mode="symmetric")(image)
    assert symmetric[0, 0].tolist() == [1, 0, 0, 1, 2, 3, 4, 4, 3]
    reflected = transforms.Pad((2, 0), padding_mode="reflect")(image)
    assert reflected[0, 0].tolist() == [2, 1, 0, 1, 2, 3, 4, 3, 2]
    parts = {tuple(transforms.RandomCrop(2)(image).flatten().tolist()) for _ in range(60)}
    whole = {
        (5 * r + c, 5 * r + c + 1, 5 * r + c + 5, 5 * r + c + 6) for r in range(3) for c in range(4)
    }
    assert parts <= whole
    assert len(parts) > 3
    assert tuple(transforms.RandomCrop(6, pad_if_needed=True)(image).shape) == (1, 6, 6)
    with pytest.raises(ValueError, match="larger than input image"):
        transforms.RandomCrop(6)(image)
    with pytest.raises(ValueError, match="padding_mode"):
        transforms.Pad(1, padding_mode="wrap")
    with pytest.raises(ValueError, match="1, 2, or 4"):
        transforms.Pad((1, 2, 3))
    with pytest.raises(TypeError, match="Tensor or a PIL image"):
        functional.hflip("image")


@pytest.mark.torch
@pytest.mark.parametrize("size", [(8, 9), (40, 31), 20, (17, 5)])
@pytest.mark.parametrize("antialias", [True, False])
def test_resize_same_as_pytorch(size, antialias):
    torch = pytest.importorskip("torch")
    image = (grid(2, 17, 23) * 37 % 256).to(pygrad.float32)
    result = transforms.Resize(size, antialias=antialias)(image)
    shape = tuple(result.shape[-2:])
    there = torch.tensor(image.tolist())[None]
    expected = torch.nn.functional.interpolate(
        there, shape, mode="bilinear", antialias=antialias, align_corners=False
    )[0]
    assert result.flatten().tolist() == pytest.approx(expected.flatten().tolist(), abs=1e-2)
    nearest = transforms.Resize(size, "nearest")(image)
    expected = torch.nn.functional.interpolate(there, shape, mode="nearest")[0]
    assert nearest.tolist() == expected.tolist()


def test_resize_sizes():
    image = pygrad.zeros(3, 20, 40, dtype=pygrad.uint8)
    resized = transforms.Resize(10)(image)
    assert tuple(resized.shape) == (3, 10, 20)
    assert resized.dtype == pygrad.uint8
    assert tuple(transforms.Resize(10, max_size=15)(image).shape) == (3, 7, 15)
    with pytest.raises(ValueError, match="max_size"):
        transforms.Resize(10, max_size=10)(image)
    with pytest.raises(ValueError, match="interpolation"):
        transforms.Resize(10, "cubic")(image)


def test_reprs():
    chain = transforms.Compose(
        [
            transforms.Resize(32),
            transforms.CenterCrop(24),
            transforms.RandomCrop(28, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.Pad(2),
            transforms.PILToTensor(),
            transforms.ConvertImageDtype(pygrad.float32),
            transforms.Lambda(abs),
            transforms.Normalize((0.1307,), (0.3081,)),
        ]
    )
    assert repr(chain).splitlines() == [
        "Compose(",
        "    Resize(size=32, interpolation=bilinear, max_size=None, antialias=True)",
        "    CenterCrop(size=(24, 24))",
        "    RandomCrop(size=(28, 28), padding=4)",
        "    RandomHorizontalFlip(p=0.5)",
        "    Pad(padding=2, fill=0, padding_mode=constant)",
        "    PILToTensor()",
        "    ConvertImageDtype()",
        "    Lambda()",
        "    Normalize(mean=(0.1307,), std=(0.3081,))",
        ")",
    ]
