"""Loader workers: what runs in a worker process or thread, and the loader's handle on it.

Each worker has a channel for its tasks and one for its results, used by nobody else. Results arrive
in the order of the tasks, so a batch is awaited from the one worker that has it, and the death of a
worker closes its channel: it is noticed at once and cannot leave a shared lock behind.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = ["ProcessWorker", "ThreadWorker", "WorkerDied", "WorkerInfo", "get_worker_info"]


class WorkerInfo:
    """What `get_worker_info()` returns inside a worker.

    Attributes:
        id: number of this worker.
        num_workers: how many there are.
        seed: of this worker's random numbers in this epoch.
        dataset: the worker's copy of the dataset (with threads, the dataset itself).
    """

    def __init__(self, id: int, num_workers: int, seed: int, dataset: Any) -> None:
        self.id = id
        self.num_workers = num_workers
        self.seed = seed
        self.dataset = dataset

    def __repr__(self) -> str:
        return f"WorkerInfo(id={self.id}, num_workers={self.num_workers}, seed={self.seed})"


class _Local:
    """The running worker's info: one per process, or per thread once threads are in use."""

    def __init__(self) -> None:
        self.process: WorkerInfo | None = None
        self.threads: Any = None


_local = _Local()


def get_worker_info() -> WorkerInfo | None:
    """Facts about the worker that calls this; None in the main process."""
    if _local.threads is not None:
        info: WorkerInfo | None = getattr(_local.threads, "info", None)
        if info is not None:
            return info
    return _local.process


class WorkerDied(Exception):
    """The worker ended without an answer."""


class Failure:
    """An exception on its way from a worker to the loader."""

    def __init__(self, error: BaseException, where: str) -> None:
        import traceback

        self.type: type[BaseException] = type(error)
        self.text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self.where = where

    def __reduce__(self) -> tuple[Any, ...]:
        # A type of the script or a local one may not exist on the other side of the pipe.
        import pickle

        try:
            pickle.dumps(self.type)
            kind: Any = self.type
        except Exception:
            kind = RuntimeError
        return _restore_failure, (kind, self.text, self.where)

    def reraise(self) -> None:
        """Raise the same type of exception, with the worker's traceback in its text."""
        message = f"Caught {self.type.__name__} in DataLoader {self.where}.\nOriginal {self.text}"
        if self.type is KeyError:
            message = _Text(message)
        try:
            error = self.type(message)
        except Exception:
            raise RuntimeError(message) from None
        raise error


def _restore_failure(kind: Any, text: str, where: str) -> Failure:
    failure = Failure.__new__(Failure)
    failure.type, failure.text, failure.where = kind, text, where
    return failure


class _Text(str):
    """A text that KeyError, which shows the repr of its argument, shows with its line breaks."""

    def __repr__(self) -> str:
        return str(self)


class Done:
    """A stream's end: the worker has no more batches in this epoch."""


class Resumed:
    """The worker is ready for the next epoch."""


class Setup:
    """What a worker needs to know at its start."""

    def __init__(
        self,
        make_fetch: Callable[[Any], Callable[[Any], Any]],
        dataset: Any,
        worker_id: int,
        num_workers: int,
        base_seed: int,
        init: Callable[[int], None] | None,
        threaded: bool,
    ) -> None:
        self.make_fetch = make_fetch
        self.dataset = dataset
        self.worker_id = worker_id
        self.num_workers = num_workers
        self.base_seed = base_seed
        self.init = init
        self.threaded = threaded


def _seed(seed: int) -> None:
    """Give this process its own streams: pygrad, `random`, and NumPy where it is in use."""
    import random
    import sys

    import pygrad

    pygrad.manual_seed(seed)
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed % 2**32)


def serve(setup: Setup, tasks: Iterator[Any], answer: Callable[[Any], None]) -> None:
    """The life of a worker: answer each task with a batch, until the tasks end.

    A task is `("fetch", index)` or `("resume", base_seed)`; resuming starts a new epoch.
    """
    import pygrad

    where = f"worker {'thread' if setup.threaded else 'process'} {setup.worker_id}"
    seed = setup.base_seed + setup.worker_id
    info = WorkerInfo(setup.worker_id, setup.num_workers, seed, setup.dataset)
    if setup.threaded:
        _local.threads.info = info
    else:
        _local.process = info
        # The workers are the parallelism; a pool of threads in each would only get in the way.
        pygrad.set_num_threads(1)
        _seed(seed)
    fetch: Callable[[Any], Any] | None = None
    failure: Failure | None = None

    def start() -> None:
        nonlocal fetch, failure
        try:
            if fetch is None and setup.init is not None:
                setup.init(setup.worker_id)
            fetch = setup.make_fetch(setup.dataset)
            failure = None
        except Exception as error:
            failure = Failure(error, where)

    start()
    for kind, value in tasks:
        result: Any
        if kind == "resume":
            info.seed = value + setup.worker_id
            if not setup.threaded:
                _seed(info.seed)
            start()
            result = Resumed()
        elif failure is not None or fetch is None:
            result = failure
        else:
            try:
                result = fetch(value)
            except StopIteration:
                result = Done()
            except Exception as error:
                result = Failure(error, where)
        try:
            answer(result)
        except (BrokenPipeError, ConnectionResetError):
            return
        except Exception as error:
            answer(Failure(error, where))
        del result


# The loader's ends of all open channels. A forked worker inherits and closes them: otherwise the
# end of one loader's pipe would live on in another loader's workers.
_parent_ends: set[Any] = set()


def _process_main(setup: Setup, task_end: Any, result_end: Any) -> None:
    import multiprocessing
    import queue
    import threading
    from multiprocessing.connection import wait

    from pygrad.utils.data import transport

    for connection in list(_parent_ends):
        connection.close()
    _parent_ends.clear()
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    parent = multiprocessing.parent_process()

    # Tasks are taken off the pipe at once, so that the loader never waits to send one while this
    # worker waits to send a result.
    def take_tasks() -> None:
        task = None
        try:
            while True:
                ready = wait([task_end] if parent is None else [task_end, parent.sentinel])
                if task_end not in ready:
                    break
                task = task_end.recv()
                if task is None:
                    break
                tasks.put(task)
        except (EOFError, OSError):
            pass
        tasks.put(None)

    threading.Thread(target=take_tasks, daemon=True).start()
    try:
        serve(setup, iter(tasks.get, None), lambda result: transport.send(result_end, result))
    except KeyboardInterrupt:
        pass
    finally:
        result_end.close()


class ProcessWorker:
    """The loader's handle on a worker process.

    Args:
        context: a `multiprocessing` context.
        setup: what the worker needs.
    """

    def __init__(self, context: Any, setup: Setup) -> None:
        task_end, self._tasks = context.Pipe(duplex=False)
        self._results, result_end = context.Pipe(duplex=False)
        _parent_ends.update((self._tasks, self._results))
        self.process = context.Process(
            target=_process_main, args=(setup, task_end, result_end), daemon=True
        )
        try:
            self.process.start()
        except BaseException:
            self._close()
            raise
        finally:
            task_end.close()
            result_end.close()

    def put(self, task: Any) -> None:
        """Give the worker a task."""
        import contextlib

        # A dead worker is reported where its answer is awaited.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._tasks.send(task)

    def get(self, timeout: float | None) -> Any:
        """The next answer.

        Raises:
            TimeoutError: none came in time.
            WorkerDied: none will come.
        """
        from multiprocessing.connection import wait

        from pygrad.utils.data import transport

        if not wait([self._results, self.process.sentinel], timeout):
            raise TimeoutError
        try:
            # A dead worker's last answers are still in the pipe.
            if self._results.poll():
                return transport.receive(self._results)
        except (EOFError, OSError):
            pass
        raise WorkerDied(self._obituary())

    def _obituary(self) -> str:
        self.process.join(1.0)
        code = self.process.exitcode
        name = f"DataLoader worker (pid {self.process.pid})"
        if code is not None and code < 0:
            import signal

            try:
                cause = signal.Signals(-code).name
            except ValueError:
                cause = str(-code)
            hint = ". The system may have run out of memory" if -code == 9 else ""
            return f"{name} was killed by signal {cause}{hint}"
        return f"{name} exited unexpectedly with exit code {code}"

    def stop(self) -> None:
        """Ask the worker to end; `finish` waits for it."""
        self.put(None)

    def finish(self, patience: float) -> None:
        """Wait some seconds until the worker has ended, else end it, and close the channels."""
        import time

        deadline = time.monotonic() + patience
        try:
            # A worker that waits to send a batch has to get rid of it before it can end.
            while self.process.is_alive() and time.monotonic() < deadline:
                if self._results.poll(0.02):
                    self._results.recv_bytes()
        except (EOFError, OSError):
            pass
        self.process.join(max(0.0, deadline - time.monotonic()))
        if self.process.is_alive():
            self.process.terminate()
            self.process.join()
        self._close()

    def _close(self) -> None:
        for connection in (self._tasks, self._results):
            _parent_ends.discard(connection)
            connection.close()


class ThreadWorker:
    """The loader's handle on a worker thread, which shares the dataset with the main thread.

    Args:
        setup: what the worker needs.
    """

    def __init__(self, setup: Setup) -> None:
        import queue
        import threading

        if _local.threads is None:
            _local.threads = threading.local()
        self._tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=self._run,
            args=(setup, self._tasks, self._results),
            name=f"pygrad-loader-{setup.worker_id}",
            daemon=True,
        )
        self._thread.start()

    @staticmethod
    def _run(setup: Setup, tasks: Any, results: Any) -> None:
        try:
            serve(setup, iter(tasks.get, None), results.put)
        except BaseException as error:
            results.put(Failure(error, f"worker thread {setup.worker_id}"))

    def put(self, task: Any) -> None:
        """Give the worker a task."""
        self._tasks.put(task)

    def get(self, timeout: float | None) -> Any:
        """The next answer.

        Raises:
            TimeoutError: none came in time.
        """
        import queue

        try:
            return self._results.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError from None

    def stop(self) -> None:
        """Ask the worker to end."""
        self._tasks.put(None)

    def finish(self, patience: float) -> None:
        """Wait a little; a thread that is in the middle of a batch ends after it."""
        self._thread.join(min(patience, 1.0))
