"""Processes that answer requests several at a time, and give the answers in the order of the requests.

    with ProcessPool([command] * 4, settings) as pool:
        for answer in pool.answers(requests):
            ...

Each runs a program that calls `serve`. Requests and answers go through pipes of the two processes alone, as pickles.
`concurrent.futures` has pools of processes too; those import from the current folder when they start, and outlive a
parent that is killed.
"""

import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Any, Self, final

from mtlkit.process.children import child_environment
from mtlkit.process.interrupts import Interrupted, raising_interrupted


class ProcessEndedError(RuntimeError):
    """A process has ended, or was ended, before it has answered. The message says how, and begins with which."""


REQUESTS_AHEAD = 2
"""How many requests of each process are made, or answered, before the first of their answers is taken."""
ENDING_SECONDS = 10.0
"""How long a process that is asked to end may take, such as to remove its temporary files."""


@final
class ProcessPool:
    """Processes that run while the `with` block does; none is left behind.

    They have a session of their own, so that Ctrl-C reaches only the process that has started them, which ends them.

    Args:
        commands: the command of each process.
        settings: what each is sent first; see `serve`.
        defaults: environment variables of all of them, where this process has none of that name.

    Raises:
        OSError: a process cannot be started, on entering the block.
    """

    def __init__(
        self, commands: Sequence[Sequence[str]], settings: object, defaults: Mapping[str, str] | None = None
    ) -> None:
        assert commands
        self._commands, self._defaults = commands, defaults or {}
        self._settings = pickle.dumps(settings)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._idle: SimpleQueue[tuple[int, subprocess.Popen[bytes]]] = SimpleQueue()
        self._threads = ThreadPoolExecutor(len(commands), "mtlkit-pool")

    def __enter__(self) -> Self:
        try:
            for number, command in enumerate(self._commands):
                process = self._start(command)
                self._processes.append(process)
                self._idle.put((number, process))
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            for process in self._processes:
                _close(process.stdin)  # at whose end a process ends by itself
        self._end(at_once=kind is not None)

    def answers(self, requests: Iterable[object]) -> Iterator[Any]:
        """Yields the answer to each request, in order. Few requests are taken before the first is answered, so that
        memory is bounded. All that come before an error of the requests are answered before it is raised.

        Raises:
            ProcessEndedError: a process has ended before it has answered.
            Exception: what `requests` raise, and what a process answers that is an exception.
        """
        stream = iter(requests)
        waiting: deque[Future[Any]] = deque()
        end: Exception | None = None
        while end is None or waiting:
            while end is None and len(waiting) < REQUESTS_AHEAD * len(self._processes):
                try:
                    waiting.append(self._threads.submit(self._ask, pickle.dumps(next(stream))))
                except Exception as found:  # StopIteration among them
                    end = found
            if waiting:
                yield waiting.popleft().result()
        if not isinstance(end, StopIteration):
            raise end

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, env={**self._defaults, **child_environment()}, start_new_session=True
        )
        with suppress(BrokenPipeError):  # of a process that has ended already, as the first request will tell
            _write(process.stdin, self._settings)
        return process

    def _ask(self, request: bytes) -> Any:
        number, process = self._idle.get()
        try:
            with suppress(BrokenPipeError):  # it may have said why it has ended
                _write(process.stdin, request)
            assert process.stdout is not None
            answer = pickle.load(process.stdout)
        except (EOFError, pickle.UnpicklingError):
            what = f"process {number + 1} of {len(self._processes)} {_ending(process.wait())}"
            raise ProcessEndedError(what) from None
        finally:
            self._idle.put((number, process))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _end(self, *, at_once: bool = True) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        try:
            for process in self._processes:
                if at_once:
                    process.terminate()
            for process in self._processes:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(ENDING_SECONDS)
        finally:  # also if this process is interrupted once more
            for process in self._processes:
                process.kill()
                process.wait()
            self._threads.shutdown()
            for process in self._processes:
                _close(process.stdin)
                _close(process.stdout)


def serve(
    open_: Callable[[Any], AbstractContextManager[Callable[[Any], object]]], told: tuple[type[Exception], ...] = ()
) -> int:
    """Answers requests of the process that has started this one, until it has no more. Returns the exit code.

    Whatever is printed to standard output meanwhile goes to standard error.

    Args:
        open_: given the settings, opens what is needed and gives a function from a request to its answer.
        told: the exceptions of either that are the answer instead, and the last one. Others end this process.
    """
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        with raising_interrupted():
            try:
                with open_(pickle.load(requests)) as answer:
                    while (request := _next(requests)) is not None:
                        _write(answers, pickle.dumps(answer(request)))
            except told as error:
                _write(answers, pickle.dumps(error))
                return 1
    except (BrokenPipeError, EOFError):  # the process that has asked is gone
        return 1
    except Interrupted as interrupted:
        return interrupted.exit_code
    return 0


def _next(requests: IO[bytes]) -> Any:
    try:
        return pickle.load(requests)
    except EOFError:
        return None


def _write(stream: IO[bytes] | None, content: bytes) -> None:
    assert stream is not None
    stream.write(content)
    stream.flush()


def _close(stream: IO[bytes] | None) -> None:
    assert stream is not None
    with suppress(BrokenPipeError):  # of what the process has not read
        stream.close()


def _ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"has ended with code {code}"
