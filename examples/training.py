"""What the examples share: the training loop, its progress line, and exact resuming.

The order of the training images is drawn anew each epoch from a generator seeded with the seed and
the epoch, so a run that was interrupted after any epoch and resumed ends with the same bits as one
that ran through.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import pygrad
from pygrad import nn, optim
from pygrad.nn import functional as F

Data = tuple[pygrad.Tensor, pygrad.Tensor]  # images (N, ...), labels (N,)


def parser(
    description: str, checkpoint: str, epochs: int, batch_size: int, lr: float
) -> argparse.ArgumentParser:
    """The options that all examples have."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    made.add_argument("--epochs", type=int, default=epochs, help="passes over the training data")
    made.add_argument("--batch-size", type=int, default=batch_size)
    made.add_argument("--lr", type=float, default=lr, help="learning rate at the start")
    made.add_argument("--seed", type=int, default=0, help="of initial weights and order")
    made.add_argument("--device", default="cpu", help="cpu or cuda")
    made.add_argument("--threads", type=int, help="CPU threads (default: as many as there are)")
    made.add_argument("--checkpoint", default=checkpoint, help="where each epoch's state is saved")
    made.add_argument("--resume", action="store_true", help="continue from the checkpoint")
    made.add_argument("--stop-after", type=int, metavar="N", help="end this run after N epochs")
    return made


class Progress:
    """A line with loss, speed and time left, rewritten in place; off a terminal, one an epoch."""

    def __init__(self, epochs: int, batches: int) -> None:
        self.live = sys.stdout.isatty()
        self.epochs = epochs
        self.batches = batches
        self.steps = 0
        self.samples = 0
        self.total = pygrad.zeros(())  # a tensor: reading it each step would wait for a GPU
        self.began = self.shown = time.perf_counter()
        self.all_steps = 0
        self.all_seconds = 0.0

    def start_epoch(self) -> None:
        self.steps = self.samples = 0
        self.total = pygrad.zeros(())
        self.began = time.perf_counter()  # not `shown`: epochs may be shorter than its interval

    def step(self, epoch: int, loss: pygrad.Tensor, count: int) -> None:
        self.steps += 1
        self.samples += count
        self.total = self.total.to(loss.device) + loss.detach() * count
        now = time.perf_counter()
        if self.live and now - self.shown > 0.1:
            self.shown = now
            left = self.left(epoch, now)
            self.write(
                f"epoch {epoch + 1}/{self.epochs}  batch {self.steps}/{self.batches}  "
                f"loss {self.loss():.4f}  {self.speed(now):,.0f} samples/s  "
                f"{left // 60:.0f}:{left % 60:02.0f} left"
            )

    def loss(self) -> float:
        """The epoch's mean loss so far."""
        return float(self.total) / max(self.samples, 1)

    def speed(self, now: float) -> float:
        return self.samples / max(now - self.began, 1e-9)

    def left(self, epoch: int, now: float) -> float:
        """Seconds to the end of the run, judged by the run so far."""
        done = self.all_steps + self.steps
        spent = self.all_seconds + now - self.began
        to_do = (self.epochs - epoch) * self.batches - self.steps
        return spent / done * to_do

    def write(self, line: str) -> None:
        print("\r" + line.ljust(79), end="", flush=True)

    def end_epoch(self, epoch: int, seconds: float, accuracy: float) -> None:
        speed = self.samples / max(seconds, 1e-9)
        self.all_steps += self.steps
        self.all_seconds += seconds
        if self.live:
            self.write("")
            print("\r", end="")
        print(
            f"epoch {epoch + 1}/{self.epochs}  loss {self.loss():.4f}  "
            f"test accuracy {100 * accuracy:.2f} %  {speed:,.0f} samples/s  {seconds:.1f} s",
            flush=True,
        )


@pygrad.no_grad()
def accuracy(model: nn.Module, data: Data, batch_size: int = 1000) -> float:
    """The part of the images that the model labels correctly."""
    model.eval()
    correct = 0
    for images, labels in zip(data[0].split(batch_size), data[1].split(batch_size), strict=True):
        correct += int((model(images).argmax(1) == labels).sum())
    model.train()
    return correct / len(data[1])


def train(
    model: nn.Module, train_data: Data, test_data: Data, options: argparse.Namespace
) -> float:
    """Trains with AdamW and a cosine schedule; returns the accuracy on the test data."""
    if options.threads:
        pygrad.set_num_threads(options.threads)
    device = pygrad.device(options.device)
    model.to(device)
    images, labels = (tensor.to(device) for tensor in train_data)
    test_data = (test_data[0].to(device), test_data[1].to(device))
    batches = -(-len(labels) // options.batch_size)
    optimizer = optim.AdamW(model.parameters(), lr=options.lr, weight_decay=0.01)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=options.epochs * batches)
    # What must be the same for a resumed run to continue the first one.
    settings = {
        name: value
        for name, value in vars(options).items()
        if name
        not in ("resume", "stop_after", "checkpoint", "threads", "device", "root", "download")
    }
    first = 0
    if options.resume and os.path.exists(options.checkpoint):
        state = pygrad.load(options.checkpoint, map_location=device)
        if state["settings"] != settings:
            changed = [k for k in settings if settings[k] != state["settings"].get(k)]
            raise SystemExit(
                f"{options.checkpoint} was made with other settings "
                f"({', '.join(changed) or 'of another example'}): {state['settings']}"
            )
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        first = state["epochs_done"]
        print(f"resumed from {options.checkpoint} after epoch {first}")
    last = options.epochs
    if options.stop_after is not None:
        last = min(last, first + options.stop_after)

    progress = Progress(options.epochs, batches)
    for epoch in range(first, last):
        order = pygrad.Generator().manual_seed(options.seed * 100_003 + epoch)
        progress.start_epoch()
        began = time.perf_counter()
        for index in (
            pygrad.randperm(len(labels), generator=order).to(device).split(options.batch_size)
        ):
            loss = F.cross_entropy(model(images[index]), labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            progress.step(epoch, loss, len(index))
        progress.loss()  # on a GPU: waits for the epoch's work
        seconds = time.perf_counter() - began
        progress.end_epoch(epoch, seconds, accuracy(model, test_data))
        pygrad.save(
            {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "epochs_done": epoch + 1,
                "settings": settings,
            },
            options.checkpoint,
        )
    result = accuracy(model, test_data)
    print(f"test accuracy {100 * result:.2f} %, checkpoint {options.checkpoint}")
    return result
