"""The file in a sweep's directory in which Optuna keeps its study. It may come from a stranger, or be damaged."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from mtlkit.archive.documents import parse_json
from mtlkit.errors import RunError
from mtlkit.files import held_lock, open_regular, open_to_write
from mtlkit.runs.documents import LARGEST_LOG
from mtlkit.text import on_one_line

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

REMEDY = "delete it: the runs stay, and a grid's points are known without it"


def open_journal(journal: Path) -> "BaseStorage":
    """Opens the file, which is made if it is not there.

    Raises:
        RunError: it cannot be opened, is too large or damaged, or something else has its name or that of its lock.
    """
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    try:
        open_to_write(journal, "append").close()  # Optuna would follow a link
        _check_lines(journal)
        lock: Any = _JournalLock(journal)
        return JournalStorage(JournalFileBackend(str(journal), lock))
    except OSError as error:
        raise RunError(f"{journal}: {error.strerror}; move it elsewhere: the runs stay") from None
    except Exception as error:  # Optuna takes every line for its own, and fails in any way at another
        reason = on_one_line(str(error)) or type(error).__name__
        raise RunError(f"{journal}: damaged ({reason}); {REMEDY}") from None


def _check_lines(journal: Path) -> None:
    """Raises ValueError if a line is not a JSON object, or there are too many. Optuna reads lines of any kind and size,
    and a last one in the next call.
    """
    with open_regular(journal) as file:
        if os.fstat(file.fileno()).st_size > LARGEST_LOG:
            raise ValueError(f"has more than {LARGEST_LOG >> 20:,} MiB")
        for number, line in enumerate(file, 1):
            if line.endswith(b"\n"):  # what else there is a killed process has not finished, and is cut off
                try:
                    parse_json(line, finite=False)
                except ValueError as error:
                    raise ValueError(f"line {number}: {error}") from None


@final
class _JournalLock:
    """Optuna's own locks outlive a killed process by half a minute; this one does not.

    It also cuts off what a killed process has written of a line, to which the next line would be joined.
    """

    def __init__(self, journal: Path) -> None:
        self.journal = journal
        self._held = ExitStack()

    def acquire(self) -> bool:
        """Waits for the lock."""
        self._held.enter_context(held_lock(self.journal.with_name(f".{self.journal.name}.lock")))
        cut_unfinished_line(self.journal)
        return True

    def release(self) -> None:
        """Gives it back."""
        self._held.close()


def cut_unfinished_line(file: Path) -> None:
    """Cuts off what follows the last newline."""
    if not file.exists():
        return
    with open_to_write(file, "change") as opened:
        end = opened.seek(0, os.SEEK_END)
        if end and (opened.seek(end - 1), opened.read(1))[1] != b"\n":
            opened.seek(0)
            opened.truncate(opened.read().rfind(b"\n") + 1)
