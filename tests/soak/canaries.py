"""Files that are nobody's business: who opens or changes one is told on, whichever process does it.

On Linux the kernel itself tells (inotify), also of what native code or another program opens.
"""

import ctypes
import hashlib
import os
import stat
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import final

ACCESS, MODIFY, OPEN, DELETE_SELF, MOVE_SELF = 0x1, 0x2, 0x20, 0x400, 0x800
NAMES = {ACCESS: "read", MODIFY: "written", OPEN: "opened", DELETE_SELF: "deleted", MOVE_SELF: "moved"}
EVENT = struct.Struct("iIII")
NONBLOCK = 0o4000
"""IN_NONBLOCK"""
CAN_WATCH = sys.platform == "linux"


@final
class Watch:
    """Watches files until it is closed; a context manager."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._library.inotify_init1(NONBLOCK)
        assert self._descriptor >= 0, os.strerror(ctypes.get_errno())
        self._paths: dict[int, Path] = {}
        for path in files:
            watch = self._library.inotify_add_watch(self._descriptor, os.fsencode(path), sum(NAMES))
            assert watch >= 0, f"{path}: {os.strerror(ctypes.get_errno())}"
            self._paths[watch] = path

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def seen(self) -> list[str]:
        """What has happened to which file, since the last time that it was asked."""
        found: dict[str, None] = {}
        while content := self._read():
            place = 0
            while place < len(content):
                watch, mask, _, length = EVENT.unpack_from(content, place)
                place += EVENT.size + length
                what = [name for bit, name in NAMES.items() if mask & bit]
                found.update(dict.fromkeys(f"{self._paths[watch].name} {name}" for name in what))
        return [*found]

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, 2**16)
        except BlockingIOError:
            return b""


def snapshot(folder: Path) -> dict[str, str]:
    """What is below a folder: of a file its content, of a link where it leads; none is opened that is not regular."""
    found = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            facts = os.readlink(path)
        else:
            facts = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(mode) else ""
        found[str(path.relative_to(folder))] = f"{stat.S_IFMT(mode):o} {facts}"
    return found


def changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """How two such lists differ, as ends of sentences."""
    gone = [f"{name} is gone" for name in before.keys() - after.keys()]
    new = [f"{name} is new" for name in after.keys() - before.keys()]
    other = [f"{name} has changed" for name in before.keys() & after.keys() if before[name] != after[name]]
    return sorted(gone + new + other)
