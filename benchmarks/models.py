"""The networks of the rows, each written once against an engine's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.engines import ArrayEngine, TensorEngine


class Moons:
    """A 2-16-16-1 network with ReLU and plain SGD, the usual first exercise in autograd."""

    def __init__(self, b: TensorEngine, loss: str) -> None:
        nn = b.nn
        self.net = b.filled(nn.Sequential(
            nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1)
        ))  # fmt: skip
        self.sgd = b.optim.SGD(self.net.parameters(), lr=0.1)
        self.criterion = nn.BCEWithLogitsLoss() if loss == "bce" else self._hinge
        self._step: Callable[[], Any] = lambda: None

    @staticmethod
    def _hinge(scores: Any, labels: Any) -> Any:
        return (1 - (2 * labels - 1) * scores).relu().mean()

    def stepper(self, points: Any, labels: Any) -> Callable[[], Any]:
        """A function that does one training step and returns the loss before it."""
        net, sgd, criterion = self.net, self.sgd, self.criterion

        def step() -> Any:
            loss = criterion(net(points), labels)
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            return loss

        self._step = step
        return step

    def three_steps(self) -> list[Any]:
        """The losses of three steps."""
        return [self._step() for _ in range(3)]


class MoonsArrays:
    """The same network and step in JAX, compiled as a whole."""

    def __init__(self, b: ArrayEngine, loss: str) -> None:
        self.b, self.loss = b, loss
        self.weights = [
            (b.normal(n, m) * m**-0.5, b.xp.zeros(n, "float32"))
            for n, m in ((16, 2), (16, 16), (1, 16))
        ]

    def _value(self, weights: Any, points: Any, labels: Any) -> Any:
        xp, x = self.b.xp, points
        for position, (weight, bias) in enumerate(weights):
            x = x @ weight.T + bias
            if position < 2:
                x = xp.maximum(x, 0)
        if self.loss == "hinge":
            return xp.maximum(1 - (2 * labels - 1) * x, 0).mean()
        return (xp.logaddexp(0, x) - labels * x).mean()

    def stepper(self, points: Any, labels: Any) -> Callable[[], Any]:
        """A function that does one training step and returns the loss before it."""
        jax = self.b.jax

        def update(weights: Any) -> tuple[Any, Any]:
            value, slopes = jax.value_and_grad(self._value)(weights, points, labels)
            return jax.tree_util.tree_map(lambda w, g: w - 0.1 * g, weights, slopes), value

        compiled = jax.jit(update)

        def step() -> Any:
            self.weights, value = jax.block_until_ready(compiled(self.weights))
            return value

        return step


def policy(b: TensorEngine) -> Any:
    """A 4-64-64-2 network with tanh, as for a balancing pole."""
    nn = b.nn
    return b.filled(nn.Sequential(
        nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2)
    ))  # fmt: skip


def mnist_mlp(b: TensorEngine) -> Any:
    """The 784-128-10 network."""
    nn = b.nn
    return b.filled(nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)))


def lenet(b: TensorEngine) -> Any:
    """LeNet-5 with ReLU and max pooling, for 28x28 images."""
    nn = b.nn
    return b.filled(nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    ))  # fmt: skip


def resnet18(b: TensorEngine, width: int = 64) -> Any:
    """ResNet-18 for 32x32 images: a 3x3 stem and no first pooling."""
    nn, relu = b.nn, b.F.relu

    class Block(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self, inner: int, outer: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outer)
            self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outer)
            self.short = nn.Sequential()
            if stride > 1 or inner != outer:
                self.short = nn.Sequential(
                    nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer)
                )

        def forward(self, x: Any) -> Any:
            y = relu(self.bn1(self.conv1(x)))
            return relu(self.bn2(self.conv2(y)) + self.short(x))

    layers = [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    inner = width
    for stage in range(4):
        outer = width << stage
        layers += [Block(inner, outer, 2 if stage else 1), Block(outer, outer, 1)]
        inner = outer
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inner, 10)]
    return b.filled(nn.Sequential(*layers))


def char_gpt(
    b: TensorEngine, vocabulary: int, block: int, width: int, heads: int, layers: int
) -> Any:
    """A character-level transformer, pre-norm, its output tied to the token embedding."""
    nn, F, t = b.nn, b.F, b.t

    class Layer(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv = nn.Linear(width, 3 * width)
            self.out = nn.Linear(width, width)
            self.up = nn.Linear(width, 4 * width)
            self.down = nn.Linear(4 * width, width)

        def forward(self, x: Any) -> Any:
            n, length, _ = x.shape
            parts = self.qkv(self.norm1(x)).split(width, dim=2)
            q, k, v = (p.view(n, length, heads, width // heads).transpose(1, 2) for p in parts)
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).contiguous().view(n, length, width))
            return x + self.down(F.gelu(self.up(self.norm2(x))))

    class CharGPT(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Embedding(vocabulary, width)
            self.place = nn.Embedding(block, width)
            self.layers = nn.ModuleList([Layer() for _ in range(layers)])
            self.norm = nn.LayerNorm(width)

        def forward(self, tokens: Any) -> Any:
            x = self.token(tokens) + self.place(t.arange(tokens.shape[1]))
            for layer in self.layers:
                x = layer(x)
            return F.linear(self.norm(x), self.token.weight)

    return b.filled(CharGPT())


def lstm_lm(b: TensorEngine, vocabulary: int, hidden: int) -> Any:
    """A character-level language model of one LSTM layer."""
    nn = b.nn

    class LanguageModel(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Embedding(vocabulary, hidden)
            self.lstm = nn.LSTM(hidden, hidden, batch_first=True)
            self.head = nn.Linear(hidden, vocabulary)

        def forward(self, tokens: Any) -> Any:
            return self.head(self.lstm(self.token(tokens))[0])

    return b.filled(LanguageModel())


def vae(b: TensorEngine) -> Any:
    """The variational autoencoder 784-400-20; `forward` takes the images and the noise."""
    nn, F, t = b.nn, b.F, b.t

    class VAE(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.encode = nn.Linear(784, 400)
            self.mean, self.logvar = nn.Linear(400, 20), nn.Linear(400, 20)
            self.hidden, self.decode = nn.Linear(20, 400), nn.Linear(400, 784)

        def forward(self, images: Any, noise: Any = None) -> tuple[Any, Any, Any]:
            h = F.relu(self.encode(images))
            mean, logvar = self.mean(h), self.logvar(h)
            deviation = t.exp(0.5 * logvar)
            z = mean + deviation * (t.randn_like(deviation) if noise is None else noise)
            return t.sigmoid(self.decode(F.relu(self.hidden(z)))), mean, logvar

    return b.filled(VAE())
