"""Where verbs write records: a file, or standard output as UTF-8."""

import io
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TextIO

from mtlkit.errors import ConfigError


def open_output(path: Path | None) -> AbstractContextManager[TextIO | None]:
    """The file at `path`, emptied, or standard output, for JSON: UTF-8, whatever the terminal's encoding.

    What UTF-8 cannot say are surrogates, and Python's replacement of one is its escape in JSON.

    Raises:
        ConfigError: the file cannot be written.
    """
    if path is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
        return nullcontext(sys.stdout)
    try:
        return path.open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ConfigError(f"--output {path}: cannot be written ({error.strerror}); give another file") from None
