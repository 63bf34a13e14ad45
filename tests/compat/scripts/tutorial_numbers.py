"""What the tutorial scripts share: numbers that are the same for PyTorch and pygrad."""

import json
import math

import numpy as np
import torch

R = np.random.RandomState(0)


def rnd(*shape):
    """Normally distributed numbers."""
    return torch.from_numpy(R.randn(*shape).astype(np.float32))


def ints(n, *shape):
    """Integers below n."""
    return torch.from_numpy(R.randint(0, n, shape))


def fill(model, seed=1):
    """Gives the model weights that no library's own random numbers decide."""
    random = np.random.RandomState(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            values = random.randn(*p.shape)
            if p.dim() > 1:
                values = values / math.sqrt(p[0].numel())
            else:
                values = 0.1 * values + (1 if "weight" in name else 0)
            p.copy_(torch.from_numpy(values.astype(np.float32)))
    return model


def run(*scripts):
    """Prints a JSON object: what each script returns, by its name."""
    results = {}
    for script in scripts:
        R.seed(0)
        results[script.__name__] = [float(value) for value in script()]
    print(json.dumps(results))
