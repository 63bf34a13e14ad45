"""Trains on MNIST: the 784-128-10 network, or a small convolutional one.

    python examples/mnist.py --epochs 5
    python examples/mnist.py --model cnn --epochs 3

The images are looked for in --root and in $PYGRAD_DATA; --download fetches them into --root.
"""

from __future__ import annotations

from training import Data, parser, train

import pygrad
from pygrad import nn
from pygrad.vision.datasets import MNIST


def mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


def tensors(dataset: MNIST, limit: int | None = None) -> Data:
    """All images as (N, 1, 28, 28), with mean 0 and deviation 1, and their labels."""
    images = (dataset.data[:limit].float().unsqueeze(1) / 255 - 0.1307) / 0.3081
    return images, dataset.targets[:limit]


def main() -> None:
    options_parser = parser(__doc__, "mnist-{model}.pt", epochs=5, batch_size=64, lr=2e-3)
    options_parser.add_argument("--model", choices=("mlp", "cnn"), default="mlp")
    options_parser.add_argument("--root", default="./data", help="folder of the images")
    options_parser.add_argument("--download", action="store_true", help="fetch missing images")
    options_parser.add_argument("--limit", type=int, help="use only so many training images")
    options = options_parser.parse_args()
    options.checkpoint = options.checkpoint.format(model=options.model)
    pygrad.manual_seed(options.seed)
    model = {"mlp": mlp, "cnn": cnn}[options.model]()
    train_set = MNIST(options.root, train=True, download=options.download)
    test_set = MNIST(options.root, train=False, download=options.download)
    train(model, tensors(train_set, options.limit), tensors(test_set), options)


if __name__ == "__main__":
    main()
