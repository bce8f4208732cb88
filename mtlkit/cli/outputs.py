"""The outputs of verbs that write records: a file, or standard output as UTF-8."""

import io
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TextIO

from mtlkit.errors import ConfigError


def open_output(path: Path | None) -> AbstractContextManager[TextIO | None]:
    """Opens the file at `path`, or standard output if it is None, for JSON in UTF-8, whatever the terminal's encoding.

    UTF-8 cannot encode surrogates; they are written as backslash escapes, which are also their escapes in JSON.

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
