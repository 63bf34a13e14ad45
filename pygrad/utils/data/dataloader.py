"""The data loader: batches of a dataset, fetched here or by worker processes or threads."""

from __future__ import annotations

from collections import deque
from itertools import islice
from types import GenericAlias

from pygrad.utils.data.collate import default_collate, default_convert
from pygrad.utils.data.dataset import IterableDataset, TensorDataset, batch_getter
from pygrad.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    SequentialSampler,
    check_count,
    draw_seed,
)
from pygrad.utils.data.worker import (
    Done,
    Failure,
    ProcessWorker,
    Resumed,
    Setup,
    ThreadWorker,
    WorkerDied,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, Literal

    from pygrad import Generator

__all__ = ["DataLoader"]


class MapFetch:
    """Makes the function that fetches the batch of a list of indices, or a single sample.

    Args:
        collate: makes a batch of samples.
        batched: whether an index is a list of them.
    """

    def __init__(self, collate: Callable[[Any], Any], batched: bool) -> None:
        self.collate = collate
        self.batched = batched

    def __call__(self, dataset: Any) -> Callable[[Any], Any]:
        collate = self.collate
        if not self.batched:
            return lambda index: collate(dataset[index])
        get_items = getattr(dataset, "__getitems__", None)
        # A whole batch at once gives what the default collate would make of its samples.
        get_batch = batch_getter(dataset) if collate is default_collate else None

        def fetch(indices: Any) -> Any:
            if get_batch is not None:
                batch = get_batch(indices)
                if batch is not NotImplemented:
                    return batch
            if get_items is not None:
                return collate(get_items(indices))
            return collate([dataset[index] for index in indices])

        return fetch


class StreamFetch:
    """Makes the function that takes the next samples off a stream, as many as indices are given.

    Args:
        collate: makes a batch of samples.
        batched: whether to make batches.
        drop_last: leave out a last, shorter batch.
    """

    def __init__(self, collate: Callable[[Any], Any], batched: bool, drop_last: bool) -> None:
        self.collate = collate
        self.batched = batched
        self.drop_last = drop_last

    def __call__(self, dataset: Any) -> Callable[[Any], Any]:
        samples = iter(dataset)

        def fetch(indices: Any) -> Any:
            if not self.batched:
                return self.collate(next(samples))
            batch = list(islice(samples, len(indices)))
            if not batch or (self.drop_last and len(batch) < len(indices)):
                raise StopIteration
            return self.collate(batch)

        return fetch


class _Endless:
    """Stands in for the sampler of a stream, whose samples have no index."""

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


class DataLoader:
    """Iterates over a dataset in batches.

    Args:
        dataset: an indexable dataset or an IterableDataset.
        batch_size: samples per batch; None for single samples, converted but not batched.
        shuffle: a new random order in each epoch.
        sampler: gives the indices, instead of `shuffle`.
        batch_sampler: gives lists of indices, instead of the four options around it.
        num_workers: workers that fetch ahead; 0 fetches when a batch is asked for.
        collate_fn: makes a batch of a list of samples.
        pin_memory: copy batches into page-locked memory where a GPU is present.
        drop_last: leave out a last, shorter batch.
        timeout: seconds to wait for a worker; 0 waits as long as the worker lives.
        worker_init_fn: called with the worker's number at its start.
        multiprocessing_context: a start method or context; the system's default if None.
        generator: for the shuffle and the workers' seeds.
        prefetch_factor: batches ordered ahead per worker; 2 if None.
        persistent_workers: keep the workers for the next epoch.
        pin_memory_device: accepted for compatibility.
        in_order: accepted for compatibility; batches always come in order.
        worker_type: `"process"`, or `"thread"` for workers that share the dataset and its memory.

    Raises:
        ValueError: options that contradict each other.

    Example:
        >>> import pygrad
        >>> data = pygrad.utils.data.TensorDataset(pygrad.arange(5))
        >>> for (batch,) in pygrad.utils.data.DataLoader(data, batch_size=2):
        ...     print(batch.tolist())
        [0, 1]
        [2, 3]
        [4]
    """

    __class_getitem__: Any = classmethod(GenericAlias)
    _fixed = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset")
    _ready = False

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        worker_type: Literal["process", "thread"] = "process",
    ) -> None:
        if num_workers < 0:
            raise ValueError(
                "DataLoader(): num_workers option should be non-negative; use num_workers=0 to "
                f"disable multiprocessing; got {num_workers}"
            )
        if timeout < 0:
            raise ValueError(f"DataLoader(): timeout option should be non-negative; got {timeout}")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError(
                "DataLoader(): prefetch_factor option could only be specified in multiprocessing; "
                "expected num_workers > 0"
            )
        if prefetch_factor is not None and prefetch_factor <= 0:
            raise ValueError(
                f"DataLoader(): prefetch_factor option should be positive; got {prefetch_factor}"
            )
        if persistent_workers and num_workers == 0:
            raise ValueError("DataLoader(): persistent_workers option needs num_workers > 0")
        if worker_type not in ("process", "thread"):
            raise ValueError(
                f"DataLoader(): worker_type is {worker_type!r}; expected 'process' or 'thread'"
            )
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.worker_type = worker_type
        self.in_order = in_order
        self.multiprocessing_context = multiprocessing_context
        self.persistent_workers = persistent_workers
        self._is_stream = isinstance(dataset, IterableDataset)
        if self._is_stream:
            for name, value in (
                ("shuffle", shuffle),
                ("sampler", sampler),
                ("batch_sampler", batch_sampler),
            ):
                if value not in (None, False):
                    raise ValueError(
                        "DataLoader(): DataLoader with IterableDataset: expected unspecified "
                        f"{name} option, but got {name}={value}"
                    )
        shuffle = bool(shuffle)
        if sampler is not None and shuffle:
            raise ValueError("DataLoader(): sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "DataLoader(): batch_sampler option is mutually exclusive with batch_size, "
                    "shuffle, sampler, and drop_last"
                )
            batch_size = None
            drop_last = False
        elif batch_size is None:
            if drop_last:
                raise ValueError(
                    "DataLoader(): batch_size=None option disables auto-batching and is mutually "
                    "exclusive with drop_last"
                )
        else:
            check_count("DataLoader", "batch_size", batch_size)
        if sampler is None:
            if self._is_stream:
                sampler = _Endless()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)
            else:
                sampler = SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.collate_fn = collate_fn
        self._kept: _WorkerIterator | None = None
        self._ready = True

    def __setattr__(self, name: str, value: Any) -> None:
        # The samplers are built from these; changing one alone would do nothing.
        if self._ready and name in self._fixed:
            raise ValueError(
                f"DataLoader: {name} attribute should not be set after the loader is initialized; "
                "make a new loader"
            )
        super().__setattr__(name, value)

    def _fetcher(self) -> MapFetch | StreamFetch:
        batched = self.batch_sampler is not None
        if self._is_stream:
            return StreamFetch(self.collate_fn, batched, self.drop_last)
        return MapFetch(self.collate_fn, batched)

    def _indices(self, tensors: bool = False) -> Iterator[Any]:
        """What is fetched, one by one; `tensors` allows lists of indices to come as tensors."""
        if tensors and isinstance(self.batch_sampler, BatchSampler):
            found = self.batch_sampler._index_tensors()
            if found is not None:
                return found
        return iter(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def _finish(self) -> Callable[[Any], Any] | None:
        """What is done to a batch in the main process before it is handed out."""
        if not self.pin_memory:
            return None
        import pygrad

        return _pin if pygrad.cuda.is_available() else None

    def __iter__(self) -> Iterator[Any]:
        if self.num_workers == 0:
            return _MainIterator(self)
        if not self.persistent_workers:
            return _WorkerIterator(self)
        if self._kept is None:
            self._kept = _WorkerIterator(self)
        else:
            self._kept.restart(self)
        return self._kept

    def __len__(self) -> int:
        if self._is_stream:
            length = len(self.dataset)
            if self.batch_size is not None:
                full, rest = divmod(length, self.batch_size)
                length = full if self.drop_last or not rest else full + 1
            return length
        source: Any = self.sampler if self.batch_sampler is None else self.batch_sampler
        return len(source)


def _pin(batch: Any) -> Any:
    """The batch with its tensors in page-locked memory."""
    from collections.abc import Mapping

    if hasattr(batch, "pin_memory"):
        return batch.pin_memory()
    if isinstance(batch, Mapping):
        return {key: _pin(value) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(_pin(value) for value in batch))
    if isinstance(batch, (list, tuple)):
        return type(batch)(_pin(value) for value in batch)
    return batch


def _takes_tensors(loader: DataLoader) -> bool:
    """Whether the batches of the loader's dataset may be asked for by a tensor of indices."""
    get = batch_getter(loader.dataset) if loader.collate_fn is default_collate else None
    return getattr(get, "__func__", None) is TensorDataset.__getbatch__


class _MainIterator:
    """Fetches each batch when it is asked for."""

    def __init__(self, loader: DataLoader) -> None:
        self._loader = loader
        self._indices = loader._indices(tensors=_takes_tensors(loader))
        # Drawn though nobody needs it here: the number of workers must not change the shuffle.
        draw_seed(loader.generator)
        self._fetch = loader._fetcher()(loader.dataset)
        self._finish = loader._finish()

    def __iter__(self) -> _MainIterator:
        return self

    def __next__(self) -> Any:
        batch = self._fetch(next(self._indices))
        return batch if self._finish is None else self._finish(batch)

    def __len__(self) -> int:
        return len(self._loader)


class _WorkerIterator:
    """Orders batches from workers ahead of time and hands them out in order."""

    def __init__(self, loader: DataLoader) -> None:
        self._workers: list[Any] = []
        self._loader = loader
        self._timeout = loader.timeout or None
        threaded = loader.worker_type == "thread"
        context = None if threaded else _context(loader.multiprocessing_context)
        base_seed = draw_seed(loader.generator)
        try:
            for number in range(loader.num_workers):
                setup = Setup(
                    loader._fetcher(),
                    loader.dataset,
                    number,
                    loader.num_workers,
                    base_seed,
                    loader.worker_init_fn,
                    threaded,
                )
                worker = ThreadWorker(setup) if threaded else ProcessWorker(context, setup)
                self._workers.append(worker)
        except BaseException:
            self.shutdown()
            raise
        self._begin(loader)

    def _begin(self, loader: DataLoader) -> None:
        self._indices: Iterator[Any] | None = loader._indices()
        self._finish = loader._finish()
        # Which worker has the next batch, the one after, and so on.
        self._ordered: deque[int] = deque()
        self._active = [True] * len(self._workers)
        self._turn = 0
        for _ in range((loader.prefetch_factor or 1) * len(self._workers)):
            self._order()

    def restart(self, loader: DataLoader) -> None:
        """Begin a new epoch with the same workers."""
        base_seed = draw_seed(loader.generator)
        for worker in self._workers:
            worker.put(("resume", base_seed))
        for number in range(len(self._workers)):
            # Batches that nobody asked for in the last epoch come first.
            while not isinstance(self._receive(number), Resumed):
                pass
        self._begin(loader)

    def _order(self) -> None:
        """Give the next list of indices to the next worker that still has something to give."""
        if self._indices is None:
            return
        for _ in self._workers:
            number = self._turn
            self._turn = (number + 1) % len(self._workers)
            if self._active[number]:
                break
        else:
            return
        try:
            index = next(self._indices)
        except StopIteration:
            self._indices = None
            return
        self._workers[number].put(("fetch", index))
        self._ordered.append(number)

    def _receive(self, number: int) -> Any:
        try:
            return self._workers[number].get(self._timeout)
        except TimeoutError:
            self.shutdown(patience=0.0)
            raise RuntimeError(
                f"DataLoader timed out after {self._timeout} seconds waiting for worker {number}"
            ) from None
        except WorkerDied as death:
            self.shutdown()
            raise RuntimeError(f"{death}; worker {number} gave no batch") from None
        except BaseException:
            # Interrupted half-way through a message: the channel is of no use any more.
            self.shutdown()
            raise

    def __iter__(self) -> _WorkerIterator:
        return self

    def __next__(self) -> Any:
        while self._ordered:
            number = self._ordered.popleft()
            if not self._active[number]:
                continue
            result = self._receive(number)
            if isinstance(result, Done):
                self._active[number] = False
                self._order()
                continue
            self._order()
            if isinstance(result, Failure):
                result.reraise()
            return result if self._finish is None else self._finish(result)
        if not self._loader.persistent_workers:
            self.shutdown()
        raise StopIteration

    def __len__(self) -> int:
        return len(self._loader)

    def shutdown(self, patience: float = 5.0) -> None:
        """End the workers; those that are still busy after some seconds are terminated."""
        workers, self._workers = self._workers, []
        self._ordered = deque()
        self._indices = None
        if self._loader._kept is self:
            self._loader._kept = None
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.finish(patience)

    def __del__(self) -> None:
        if self.__dict__.get("_workers"):
            self.shutdown()


def _context(chosen: Any) -> Any:
    """The multiprocessing context to start workers with: by fork where the system has it."""
    import multiprocessing

    if chosen is None:
        methods = multiprocessing.get_all_start_methods()
        return multiprocessing.get_context("fork" if "fork" in methods else None)
    if isinstance(chosen, str):
        if chosen not in multiprocessing.get_all_start_methods():
            raise ValueError(
                f"DataLoader(): multiprocessing_context is {chosen!r}; expected one of "
                f"{multiprocessing.get_all_start_methods()}"
            )
        return multiprocessing.get_context(chosen)
    return chosen
