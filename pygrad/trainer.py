"""A small trainer: what a script uses first of Lightning's `LightningModule` and `Trainer`.

A `LightningModule` says what one step computes; the `Trainer` runs the loops over epochs and
batches, steps the optimizers, and reports.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pygrad
from pygrad import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pygrad._C import Tensor, device

__all__ = ["Callback", "LightningModule", "MisconfigurationException", "Trainer"]

_MINIMUM = (
    "the Trainer expects at least training_step(), train_dataloader() and configure_optimizers()"
)


class MisconfigurationException(Exception):
    """The module or the trainer lacks something that the run needs."""


class Callback:
    """Base of callbacks; each method is called at the moment its name says."""

    def on_fit_start(self, trainer: Trainer, module: LightningModule) -> None: ...
    def on_fit_end(self, trainer: Trainer, module: LightningModule) -> None: ...
    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None: ...
    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None: ...
    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, loss: Tensor, batch: Any, index: int
    ) -> None: ...
    def on_validation_epoch_end(self, trainer: Trainer, module: LightningModule) -> None: ...


class LightningModule(nn.Module):
    """A module that knows how it is trained.

    Override `training_step` and `configure_optimizers`, and where wanted the other hooks.

    Example:
        >>> import pygrad
        >>> from pygrad.trainer import LightningModule, Trainer
        >>> class Fit(LightningModule):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.line = pygrad.nn.Linear(1, 1)
        ...     def training_step(self, batch, batch_idx):
        ...         x, y = batch
        ...         return ((self.line(x) - y) ** 2).mean()
        ...     def configure_optimizers(self):
        ...         return pygrad.optim.SGD(self.parameters(), lr=0.1)
        >>> x = pygrad.linspace(-1, 1, 8).reshape(8, 1)
        >>> model, trainer = Fit(), Trainer(max_epochs=100, enable_progress_bar=False)
        >>> trainer.fit(model, [(x, 2 * x)])
        >>> round(float(model.line.weight), 1)
        2.0
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        object.__setattr__(self, "trainer", None)

    trainer: Trainer | None

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """The loss of one batch: a tensor, or a dict with the key "loss"."""
        raise NotImplementedError("training_step() is not defined")

    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        """Evaluates one validation batch; what it logs is averaged over the epoch."""
        raise NotImplementedError("validation_step() is not defined")

    def test_step(self, batch: Any, batch_idx: int) -> Any:
        """Evaluates one test batch."""
        raise NotImplementedError("test_step() is not defined")

    def configure_optimizers(self) -> Any:
        """An optimizer, ``([optimizer], [scheduler])``, or a dict with the keys "optimizer" and
        "lr_scheduler"."""
        raise NotImplementedError("configure_optimizers() is not defined")

    def train_dataloader(self) -> Iterable[Any]:
        """The training batches."""
        raise NotImplementedError("train_dataloader() is not defined")

    def val_dataloader(self) -> Iterable[Any]:
        """The validation batches."""
        raise NotImplementedError("val_dataloader() is not defined")

    def on_fit_start(self) -> None: ...
    def on_fit_end(self) -> None: ...
    def on_train_epoch_start(self) -> None: ...
    def on_train_epoch_end(self) -> None: ...
    def on_validation_epoch_end(self) -> None: ...

    def _attached(self) -> Trainer:
        if self.trainer is None:
            raise RuntimeError(
                f"{type(self).__name__} is not attached to a Trainer; call fit() first"
            )
        return self.trainer

    def log(self, name: str, value: Any, prog_bar: bool = False, **options: Any) -> None:
        """Reports a number. Within an epoch its mean over the batches is kept as well.

        Args:
            name: appears in ``trainer.callback_metrics``.
            value: a number or a tensor with one element.
            prog_bar: whether the progress line shows it.
            options: Lightning's further options; averaging is always over the epoch.
        """
        self._attached()._log(name, float(value), prog_bar)

    def log_dict(self, values: dict[str, Any], prog_bar: bool = False, **options: Any) -> None:
        """`log` for several numbers."""
        for name, value in values.items():
            self.log(name, value, prog_bar, **options)

    def print(self, *args: Any, **kwargs: Any) -> None:
        """Prints on a line of its own, beside the progress line."""
        self._attached()._progress.end_line()
        print(*args, **kwargs)

    @property
    def current_epoch(self) -> int:
        """The epoch that runs, from 0."""
        return self.trainer.current_epoch if self.trainer is not None else 0

    @property
    def global_step(self) -> int:
        """How many optimizer steps were taken."""
        return self.trainer.global_step if self.trainer is not None else 0

    @property
    def device(self) -> device:
        """Where the parameters are."""
        first = next(iter(self.parameters()), None)
        return first.device if first is not None else pygrad.device("cpu")


def _is_overridden(module: LightningModule, name: str) -> bool:
    return getattr(type(module), name) is not getattr(LightningModule, name)


def _move(batch: Any, device: device) -> Any:
    """A batch with its tensors on `device`."""
    if isinstance(batch, pygrad.Tensor):
        return batch.to(device)
    if isinstance(batch, dict):
        return {key: _move(value, device) for key, value in batch.items()}
    if type(batch) in (list, tuple):
        return type(batch)(_move(item, device) for item in batch)
    return batch


class _Progress:
    """One line that is rewritten in place, on a terminal only."""

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled and sys.stdout.isatty()
        self._length = 0
        self._shown_at = 0.0

    def show(self, text: Callable[[], str], last: bool) -> None:
        import time

        now = time.perf_counter()
        if not self._enabled or (now - self._shown_at < 0.1 and not last):
            return
        self._shown_at = now
        line = text()
        print("\r" + line.ljust(self._length), end="\n" if last else "", flush=True)
        self._length = 0 if last else len(line)

    def end_line(self) -> None:
        if self._length:
            print()
            self._length = 0


class Trainer:
    """Runs a `LightningModule`.

    Args:
        max_epochs: how many passes over the data; 1000 if neither this nor `max_steps` is given.
        max_steps: ends the run after so many optimizer steps; -1: no limit.
        accelerator: "auto" or "cpu" for where the module is, "cuda" or "gpu" for the first GPU.
        devices: only 1 (or "auto").
        limit_train_batches: at most so many batches an epoch (int), or this part of them (float).
        limit_val_batches: the same for validation.
        gradient_clip_val: the largest norm of the gradient; None: no clipping.
        accumulate_grad_batches: batches whose gradients are summed into one optimizer step.
        check_val_every_n_epoch: how often validation runs.
        enable_progress_bar: shows a progress line where stdout is a terminal.
        callbacks: `Callback` objects.

    Raises:
        MisconfigurationException: the module lacks a method, or no data is given.
    """

    def __init__(
        self,
        *,
        max_epochs: int | None = None,
        max_steps: int = -1,
        accelerator: str = "auto",
        devices: int | str = "auto",
        limit_train_batches: int | float | None = None,
        limit_val_batches: int | float | None = None,
        gradient_clip_val: float | None = None,
        accumulate_grad_batches: int = 1,
        check_val_every_n_epoch: int = 1,
        enable_progress_bar: bool = True,
        callbacks: list[Any] | Any | None = None,
    ) -> None:
        if accelerator not in ("auto", "cpu", "cuda", "gpu"):
            raise ValueError(
                f"Trainer(): accelerator is {accelerator!r}; "
                "expected 'auto', 'cpu', 'cuda' or 'gpu'"
            )
        if devices not in (1, "1", "auto"):
            raise ValueError(
                f"Trainer(): devices is {devices!r}; expected 1: one process, one device"
            )
        if accumulate_grad_batches < 1 or check_val_every_n_epoch < 1:
            raise ValueError(
                "Trainer(): accumulate_grad_batches and check_val_every_n_epoch are "
                f"{accumulate_grad_batches} and {check_val_every_n_epoch}; expected at least 1"
            )
        if max_epochs is None:
            max_epochs = 1000 if max_steps < 0 else -1
        self.max_epochs = max_epochs
        self.max_steps = max_steps
        self.accelerator = accelerator
        self.limit_train_batches = limit_train_batches
        self.limit_val_batches = limit_val_batches
        self.gradient_clip_val = gradient_clip_val
        self.accumulate_grad_batches = accumulate_grad_batches
        self.check_val_every_n_epoch = check_val_every_n_epoch
        if callbacks is None:
            callbacks = []
        self.callbacks = callbacks if isinstance(callbacks, list) else [callbacks]
        self.current_epoch = 0
        self.global_step = 0
        self.should_stop = False
        self.optimizers: list[Any] = []
        self.lr_schedulers: list[dict[str, Any]] = []
        self.callback_metrics: dict[str, float] = {}
        self._shown: dict[str, float] = {}
        self._sums: dict[str, tuple[float, int]] = {}
        self._progress = _Progress(enable_progress_bar)

    # ------------------------------------------------------------------ running

    def fit(
        self,
        model: LightningModule,
        train_dataloaders: Iterable[Any] | None = None,
        val_dataloaders: Iterable[Any] | None = None,
    ) -> None:
        """Trains `model`.

        Args:
            model: what to train; its own ``train_dataloader()`` is used if none is given here.
            train_dataloaders: the training batches, iterated once an epoch.
            val_dataloaders: the validation batches.
        """
        if not isinstance(model, LightningModule):
            raise TypeError(f"fit(): model is a {type(model).__name__}; expected a LightningModule")
        if train_dataloaders is None:
            if not _is_overridden(model, "train_dataloader"):
                raise MisconfigurationException(
                    f"fit(): no training data: {type(model).__name__} defines no "
                    f"train_dataloader() and fit() was given none; {_MINIMUM}"
                )
            train_dataloaders = model.train_dataloader()
        for name in ("training_step", "configure_optimizers"):
            if not _is_overridden(model, name):
                raise MisconfigurationException(
                    f"fit(): {type(model).__name__} defines no {name}(); {_MINIMUM}"
                )
        if val_dataloaders is None and _is_overridden(model, "val_dataloader"):
            val_dataloaders = model.val_dataloader()
        if val_dataloaders is not None and not _is_overridden(model, "validation_step"):
            raise MisconfigurationException(
                f"fit(): validation data is given, but {type(model).__name__} defines no "
                "validation_step()"
            )
        object.__setattr__(model, "trainer", self)
        if self.accelerator in ("cuda", "gpu"):
            model.to("cuda")
        self._configure(model)
        self.should_stop = False
        self._notify(model, "on_fit_start")
        while not self._finished():
            self._train_epoch(model, train_dataloaders)
            if val_dataloaders is not None and (
                (self.current_epoch + 1) % self.check_val_every_n_epoch == 0
            ):
                self._evaluate(model, val_dataloaders, "validation_step", self.limit_val_batches)
                self._notify(model, "on_validation_epoch_end")
                self._keep_means()
            self._step_schedulers("epoch")
            self.current_epoch += 1
        self._notify(model, "on_fit_end")

    def validate(
        self, model: LightningModule, dataloaders: Iterable[Any] | None = None
    ) -> list[dict[str, float]]:
        """Runs ``validation_step`` over the data and returns the logged means."""
        return self._run_evaluation(
            model, dataloaders, "validation_step", "val_dataloader", self.limit_val_batches
        )

    def test(self, model: LightningModule, dataloaders: Iterable[Any]) -> list[dict[str, float]]:
        """Runs ``test_step`` over the data and returns the logged means."""
        return self._run_evaluation(model, dataloaders, "test_step", "", None)

    def _run_evaluation(
        self,
        model: LightningModule,
        dataloaders: Iterable[Any] | None,
        step: str,
        loader: str,
        limit: int | float | None,
    ) -> list[dict[str, float]]:
        if not _is_overridden(model, step):
            raise MisconfigurationException(f"{type(model).__name__} defines no {step}()")
        if dataloaders is None:
            if not loader or not _is_overridden(model, loader):
                raise MisconfigurationException(f"no data: expected dataloaders or {loader}()")
            dataloaders = getattr(model, loader)()
        object.__setattr__(model, "trainer", self)
        self._evaluate(model, dataloaders, step, limit)
        return [self._keep_means()]

    def _finished(self) -> bool:
        return (
            self.should_stop
            or 0 <= self.max_epochs <= self.current_epoch
            or 0 <= self.max_steps <= self.global_step
        )

    def _configure(self, model: LightningModule) -> None:
        made = model.configure_optimizers()
        schedulers: Any = []
        if isinstance(made, dict):
            schedulers = [made["lr_scheduler"]] if "lr_scheduler" in made else []
            made = made["optimizer"]
        elif isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], (list, tuple)):
            made, schedulers = made
        self.optimizers = list(made) if isinstance(made, (list, tuple)) else [made]
        if len(self.optimizers) != 1:
            raise MisconfigurationException(
                f"configure_optimizers() gave {len(self.optimizers)} optimizers; expected 1"
            )
        self.lr_schedulers = [
            {
                "interval": "epoch",
                "monitor": None,
                **(s if isinstance(s, dict) else {"scheduler": s}),
            }
            for s in schedulers
        ]

    def _batches(self, loader: Iterable[Any], limit: int | float | None) -> tuple[Any, int | None]:
        """The batches of one epoch and, where it is known, how many there are."""
        from collections.abc import Sized
        from itertools import islice

        length = len(loader) if isinstance(loader, Sized) else None
        if limit is None:
            return loader, length
        if isinstance(limit, float):
            if length is None:
                raise MisconfigurationException(
                    f"a limit of {limit} of the batches needs a dataloader with a length"
                )
            limit = int(limit * length)
        return islice(loader, limit), limit if length is None else min(limit, length)

    def _train_epoch(self, model: LightningModule, loader: Iterable[Any]) -> None:
        model.train()
        self._notify(model, "on_train_epoch_start")
        batches, length = self._batches(loader, self.limit_train_batches)
        optimizer = self.optimizers[0]
        optimizer.zero_grad()
        count = 0
        for index, batch in enumerate(batches):
            count = index + 1
            batch = _move(batch, model.device)
            result = model.training_step(batch, index)
            loss = result["loss"] if isinstance(result, dict) else result
            if loss is not None:  # None skips the batch
                (loss / self.accumulate_grad_batches).backward()
            if count % self.accumulate_grad_batches == 0 or count == length:
                if self.gradient_clip_val is not None:
                    nn.utils.clip_grad_norm_(model.parameters(), self.gradient_clip_val)
                optimizer.step()
                optimizer.zero_grad()
                self.global_step += 1
                self._step_schedulers("step")
            if loss is not None:
                loss = loss.detach()
                for callback in self.callbacks:
                    if hasattr(callback, "on_train_batch_end"):
                        callback.on_train_batch_end(self, model, loss, batch, index)
            self._progress.show(lambda: self._line(count, length, loss), last=count == length)  # noqa: B023
            if self.should_stop or 0 <= self.max_steps <= self.global_step:
                break
        self._progress.end_line()
        if count == 0:
            raise MisconfigurationException("fit(): the training data has no batch")
        self._notify(model, "on_train_epoch_end")
        self._keep_means()

    def _evaluate(
        self, model: LightningModule, loader: Iterable[Any], step: str, limit: int | float | None
    ) -> None:
        was_training = model.training
        model.eval()
        with pygrad.no_grad():
            for index, batch in enumerate(self._batches(loader, limit)[0]):
                getattr(model, step)(_move(batch, model.device), index)
        model.train(was_training)

    def _step_schedulers(self, interval: str) -> None:
        for entry in self.lr_schedulers:
            if entry["interval"] != interval:
                continue
            if entry["monitor"] is None:
                entry["scheduler"].step()
            elif entry["monitor"] in self.callback_metrics:
                entry["scheduler"].step(self.callback_metrics[entry["monitor"]])
            else:
                raise MisconfigurationException(
                    f"a scheduler monitors '{entry['monitor']}', which was not logged; "
                    f"logged are {sorted(self.callback_metrics)}"
                )

    # ------------------------------------------------------------------ reports

    def _notify(self, model: LightningModule, moment: str) -> None:
        for callback in self.callbacks:
            method = getattr(callback, moment, None)
            if method is not None:
                method(self, model)
        getattr(model, moment)()

    def _log(self, name: str, value: float, shown: bool) -> None:
        total, count = self._sums.get(name, (0.0, 0))
        self._sums[name] = (total + value, count + 1)
        self.callback_metrics[name] = value
        if shown:
            self._shown[name] = value

    def _keep_means(self) -> dict[str, float]:
        """Replaces what was logged since the last call by its means, and returns these."""
        means = {name: total / count for name, (total, count) in self._sums.items()}
        self._sums.clear()
        self.callback_metrics.update(means)
        return means

    def _line(self, count: int, length: int | None, loss: Any) -> str:
        parts = [f"epoch {self.current_epoch}", f"{count}/{'?' if length is None else length}"]
        if loss is not None:
            parts.append(f"loss {float(loss):.4g}")
        parts += [f"{name} {value:.4g}" for name, value in self._shown.items()]
        return "  ".join(parts)
