"""What a process notes of itself, for whoever judges it: programs that it starts, connections, code that is unpickled,
and what it has used when it ends. A line of JSON for each.
"""

import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

STARTS = ("subprocess.Popen", "os.exec", "os.posix_spawn")
"""Audit events (PEP 578) of programs, whose first argument is the program."""
RUNS = ("os.system", "os.fork", "os.forkpty", "os.startfile", "pickle.find_class")
CONNECTS = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo")
LOADS = ("ctypes.dlopen",)
NOTED = frozenset((*STARTS, *RUNS, *CONNECTS, *LOADS))
END = "end"


def observe(notes: Path) -> Callable[[], None]:
    """Notes such events from now on, since an audit hook stays. The function that is returned notes what was used."""
    file = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    before = _memory("VmRSS")

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event in NOTED:
            _write(file, event, [*map(_shown, arguments[:2])])

    def end() -> None:
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = sum(each.ru_utime + each.ru_stime for each in (own, children))
        peak = max(_memory("VmHWM"), children.ru_maxrss * 1024)
        _write(file, END, [seconds, max(0, peak - before)])

    sys.addaudithook(note)
    return end


def _write(file: int, event: str, words: list[Any]) -> None:
    os.write(file, (json.dumps([event, words]) + "\n").encode())


def _shown(argument: Any) -> Any:
    if isinstance(argument, list | tuple):
        return [*map(_shown, argument)]
    return os.fsdecode(argument) if isinstance(argument, bytes | os.PathLike) else str(argument)


def _memory(name: str) -> int:
    """Bytes, as the system counts them for this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def read_notes(notes: Path) -> list[tuple[str, list[Any]]]:
    """The events and their arguments, in order."""
    return [tuple(json.loads(line)) for line in notes.read_text().splitlines()] if notes.exists() else []
