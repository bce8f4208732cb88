"""A file that long work writes piece by piece, and with which it can go on after it was interrupted or killed.

    FOLDER/.NAME-xxxxxxxx               what has been written so far, beside FOLDER/NAME, which it replaces at the end
    CACHE/unfinished/SHA-256.json       how much of it counts, by the path of FOLDER/NAME

What lies beside the target may have come with a download, or others may write there. So nothing there is believed: how
many bytes count, their digest, and what they are the result of are kept in the cache, which nobody else can change.
"""

import hashlib
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, final

from mtlkit.errors import ConfigError, DataError
from mtlkit.files.cache_place import cache_folder
from mtlkit.files.locks import take_lock
from mtlkit.files.opening import open_to_write
from mtlkit.files.ownership import OWN_FILE, check_ownership, opened_folder, own_folder
from mtlkit.files.reading import read_bounded
from mtlkit.files.replacing import SUFFIX, shortened, write_atomically

FOLDER = "unfinished"
SAVE_SECONDS = 10.0
"""How long at least is written between two times at which what was written is made to last."""
LARGEST_RECORD = 2**20
BLOCK = 2**20


@final
class ResumableFile:
    """A file that is being written. `resumable_file` opens it.

    Attributes:
        state: what the last `append` was given, also if that was in an earlier process; None at the beginning.
        kept: the state at which the work would go on if this process were killed now; None if it would begin again.
        why_not: why the work cannot go on with the file if it is interrupted; None if it can.
    """

    def __init__(self, target: Path, basis: Mapping[str, object]) -> None:
        self.target = self._path = target
        self.state: Any = None
        self.kept: Any = None
        self.why_not: str | None = None
        self._basis = json.loads(json.dumps(basis))
        self._digest, self._size = hashlib.sha256(), 0
        self._saved = time.monotonic()
        self._record: Path | None = None
        try:
            folder = own_folder(own_folder(cache_folder()) / FOLDER, closed=True)
            name = hashlib.sha256(os.fsencode(target.absolute())).hexdigest()
            self._record = folder / f"{name}.json"
        except (OSError, DataError) as error:
            self.why_not = str(error)
        self._file = earlier if (earlier := self._earlier()) is not None else self._new()

    def append(self, content: bytes, state: object) -> None:
        """Writes more. From time to time, what was written so far is made to last.

        Args:
            content: what is written.
            state: where the work is then, as JSON.
        """
        self._file.write(content)
        self._digest.update(content)
        self._size += len(content)
        self.state = state
        if time.monotonic() - self._saved >= SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Makes what was written so far last, so that the work can go on there even if the machine stops."""
        if self._record is None:
            return
        self._file.flush()
        os.fsync(self._file.fileno())  # before the record, which must not say more than there is
        record = {
            "basis": self._basis,
            "file": self._path.name,
            "size": self._size,
            "sha256": self._digest.hexdigest(),
            "state": self.state,
        }
        try:
            write_atomically(self._record, json.dumps(record).encode() + b"\n", mode=OWN_FILE)
            self.kept = self.state
        except OSError as error:  # such as a full disk under the cache; the work need not end for that
            self.why_not = f"{self._record.parent}: {error.strerror}"
        self._saved = time.monotonic()

    def finish(self) -> None:
        """Puts the file in the place of its target."""
        self._file.flush()
        os.fsync(self._file.fileno())
        if sys.platform == "win32":  # where no open file can be renamed
            self._file.close()
        self._path.replace(self.target)
        self._file.close()
        self._forget()

    def leave(self) -> None:
        """Closes the file, so that the work can go on with it later, if there is anything in it that can be kept."""
        if self._file.closed:
            return
        with suppress(OSError):  # of a full disk, on which what was saved before is kept
            if self.state is not None:
                self.save()
        if self.kept is None:
            self.discard()
        with suppress(OSError):
            self._file.close()

    def discard(self) -> None:
        """Removes the file. Nobody can go on with it."""
        self.kept = None
        with suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)
        self._forget()

    def _forget(self) -> None:
        if self._record is not None:
            with suppress(OSError):
                self._record.unlink(missing_ok=True)

    def _new(self) -> BinaryIO:
        self._path = self.target.with_name(f".{shortened(self.target.name)}-{secrets.token_hex(4)}")
        try:
            self._file = open_to_write(self._path)
        except OSError as error:
            error.filename = str(self.target)
            raise
        take_lock(self._file)
        self.save()  # so that a later process finds the file, and others that it is being written
        return self._file

    def _earlier(self) -> BinaryIO | None:
        """Opens what an earlier process has written, after the last byte that counts; None if it is of no use.

        Raises:
            ConfigError: another process is writing it.
        """
        if (found := self._recorded()) is None:
            return None
        self._path = self.target.with_name(str(found["file"]))
        try:
            file = open_to_write(self._path, "change")
        except OSError:  # removed, or replaced by something that is not ours
            return None
        with ExitStack() as stack:
            stack.callback(file.close)
            if not take_lock(file):
                raise ConfigError(f"{self.target}: another process is writing it; wait until it has ended")
            if (digest := _digest_of(file, found["size"])).hexdigest() != found["sha256"]:
                return None  # whatever it is, it is not what was written, and stays
            if found["basis"] != self._basis or found["state"] is None:
                self._path.unlink()
                return None
            stack.pop_all()
        file.truncate(found["size"])
        file.seek(found["size"])
        self._digest, self._size = digest, found["size"]
        self.state = self.kept = found["state"]
        return file

    def _recorded(self) -> dict[str, Any] | None:
        if self._record is None:
            return None
        try:
            with opened_folder(self._record.parent) as folder:
                check_ownership(file := folder / self._record.name)
                found = json.loads(read_bounded(file, LARGEST_RECORD))
        except (OSError, DataError, ValueError):  # missing, or damaged
            return None
        forms = {"basis": dict, "file": str, "size": int, "sha256": str}
        if not isinstance(found, dict) or not all(isinstance(found.get(name), form) for name, form in forms.items()):
            return None
        is_ours = re.fullmatch(re.escape(f".{shortened(self.target.name)}") + SUFFIX, found["file"])
        return {"state": None, **found} if is_ours else None


def _digest_of(file: BinaryIO, size: int) -> Any:
    """The SHA-256 of so many bytes of a file, or of all that it has."""
    digest, left = hashlib.sha256(), size
    while left > 0 and (block := file.read(min(left, BLOCK))):
        digest.update(block)
        left -= len(block)
    return digest


@contextmanager
def resumable_file(target: Path, basis: Mapping[str, object]) -> Iterator[ResumableFile]:
    """Yields a file that replaces `target` when the block ends without an error, and stays as it is otherwise.

    A later process that opens the same target on the same basis is given what was written. What was written on another
    basis is removed. A block that knows that nobody can go on calls `discard` before it raises its error.

    Args:
        target: the file, in a folder that exists.
        basis: what the content depends on, as JSON: digests of inputs, options, versions.

    Raises:
        ConfigError: another process is writing the same file.
        OSError: it cannot be written; named by `target`.
    """
    try:
        file = ResumableFile(target, basis)
        try:
            yield file
            file.finish()
        except BaseException:
            file.leave()
            raise
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(target)
        raise
