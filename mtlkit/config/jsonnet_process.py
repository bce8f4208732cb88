"""Evaluates Jsonnet in a child process with limits, so that no file can crash, stop or fill the process that reads it.

The child is `jsonnet_child.py`. Where a system lacks a limit, the child is still a process of its own: macOS does not
limit memory, and Windows has none of the limits, so that the clock stops the child there.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO

from mtlkit.config import jsonnet_child as child
from mtlkit.config.jsonnet_faults import SECONDS_BY_THE_CLOCK, Limits, cause_of_death, fault_of_value, noise_of_death
from mtlkit.process.children import child_environment, python_command
from mtlkit.text import on_one_line

Importer = Callable[[str, str], tuple[str, bytes]]
"""Takes the folder of the importing file and the path that it imports; returns the name that Jsonnet is to show for the
file, and its content. Raises RuntimeError with the reason if it may not be imported.
"""
HAS_NO_LIMITS = sys.platform == "win32"
JSONNET = find_spec("_jsonnet")
"""Where the library is; found with this module, since the current folder, which may be on the path, may change."""


class JsonnetError(Exception):
    """Jsonnet has found an error; its message has a first line and a trace."""


class JsonnetAbort(Exception):
    """Jsonnet has reached a limit or has crashed; the message continues one that begins with the file."""


class JsonnetProcess:
    """A child process that evaluates Jsonnet; a context manager, at whose end the process ends.

    What `std.trace` writes is shown on standard error at the end.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()

    def __enter__(self) -> "JsonnetProcess":
        limits = self.limits
        assert JSONNET is not None and JSONNET.origin is not None
        amounts = [str(number) for number in (limits.seconds, limits.memory, limits.stack, limits.output)]
        # Isolated and without site-packages: it starts in a few milliseconds, and runs no code of the current folder.
        command = python_command("-I", "-S", child.__file__, str(Path(JSONNET.origin).parent), *amounts)
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=child_environment())
        except OSError as error:
            raise JsonnetAbort(
                f"cannot be evaluated, since Python ({command[0]}) cannot be started: {error.strerror}; "
                "end other processes, or check the installation"
            ) from None
        self._stopped = False
        self._noise = bytearray()
        # In a thread: a child that writes more than the pipe holds would wait for a reader, and we for its answer.
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(BrokenPipeError):
                _pipe(stream).close()
        lines = self._lines()
        for line in lines[: len(lines) - len(noise_of_death(lines))]:
            print(on_one_line(line), file=sys.stderr)

    def evaluate(
        self,
        name: str,
        code: str,
        importer: Importer,
        external: Mapping[str, str] | None = None,
        arguments: Mapping[str, str] | None = None,
    ) -> str:
        """Evaluates code to JSON.

        Args:
            name: the name of the code in messages, and `std.thisFile`.
            code: a Jsonnet expression.
            importer: finds the files that it imports.
            external: code of the external variables, by name.
            arguments: code of the top-level arguments, by name.

        Raises:
            JsonnetError: the code is wrong.
            JsonnetAbort: the code reaches a limit or crashes Jsonnet.
        """
        pairs = [*(external or {}).items(), *(arguments or {}).items()]
        texts = [name, code, str(len(external or {})), *(text for pair in pairs for text in pair)]
        # Names from the command line may contain half of a surrogate pair, which no code can read.
        request = [child.EVALUATE, *(text.encode(errors="backslashreplace") for text in texts)]
        try:
            with self._stopped_by_the_clock():
                kind, *answer = self._answer(request, importer)
        except (EOFError, BrokenPipeError):
            cause = cause_of_death(self._end(), noise_of_death(self._lines()), self._stopped, self.limits)
            raise JsonnetAbort(cause) from None
        if kind == child.ERROR:
            raise JsonnetError(answer[0].decode())
        if kind != child.VALUE:
            raise JsonnetAbort(fault_of_value(kind, self.limits))
        return answer[0].decode()

    def _answer(self, message: list[bytes], importer: Importer) -> list[bytes]:
        """The child's answer to a message, after all imports. Raises EOFError or BrokenPipeError if it has ended."""
        while True:
            child.write_message(_pipe(self._process.stdin), *message)
            answer = child.read_message(_pipe(self._process.stdout), self.limits.output + child.LONGEST_ERROR)
            if answer[:1] != [child.IMPORT]:
                return answer
            try:
                shown, content = importer(*(part.decode() for part in answer[1:]))
                message = [child.FOUND, shown.encode(), content]
            except RuntimeError as error:
                message = [child.REFUSED, str(error).encode(errors="backslashreplace")]

    def _listen(self) -> None:
        """Reads all that the child writes to standard error, and keeps as much as may be shown."""
        while chunk := os.read(_pipe(self._process.stderr).fileno(), 2**16):
            self._noise += chunk[: self.limits.traces - len(self._noise)]

    def _lines(self) -> list[str]:
        return self._noise.decode(errors="replace").removesuffix("\n").split("\n") if self._noise else []

    @contextmanager
    def _stopped_by_the_clock(self) -> Iterator[None]:
        """Ends the child when it takes too long, on systems that cannot limit its processor time."""
        clock = threading.Timer(self.limits.seconds * SECONDS_BY_THE_CLOCK, self._stop)
        if HAS_NO_LIMITS:
            clock.start()
        try:
            yield
        finally:
            clock.cancel()

    def _stop(self) -> None:
        self._stopped = True
        self._process.kill()

    def _end(self) -> int:
        """Ends the child if it is still there, and returns its exit status."""
        if self._process.poll() is None:
            self._process.kill()
        self._listener.join()
        return self._process.wait()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    """A pipe of a process that was started with one."""
    assert stream is not None
    return stream
