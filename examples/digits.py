"""Trains a small network on scikit-learn's handwritten digits: 1797 real images of 8 x 8 pixels.

python examples/digits.py
python examples/digits.py --stop-after 10 && python examples/digits.py --resume
"""

from __future__ import annotations

from training import Data, parser, train

import pygrad
from pygrad import nn
from pygrad.vision.datasets import Digits


def tensors(dataset: Digits) -> Data:
    """All images as rows of 64 numbers in 0..1, and their labels."""
    return dataset.data.float().flatten(1) / 255, dataset.targets


def main() -> None:
    options = parser(__doc__, "digits.pt", epochs=30, batch_size=32, lr=1e-2).parse_args()
    pygrad.manual_seed(options.seed)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    train(model, tensors(Digits(train=True)), tensors(Digits(train=False)), options)


if __name__ == "__main__":
    main()
