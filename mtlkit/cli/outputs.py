"""The outputs of verbs: a file, or standard output as UTF-8."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from mtlkit.files import Inputs, Output


def check_output(output: Path | None, inputs: "Inputs | None" = None) -> None:
    """Finds out before torch is imported whether a file can be written.

    Args:
        output: the file.
        inputs: what the verb reads, as far as that is known yet. That the file is none of the rest is for
            `output_of_verb`.

    Raises:
        ConfigError: it cannot be written, is a symbolic link, or is one of `inputs`.
    """
    from mtlkit.files import output_file

    if output is not None:
        output_file(output, inputs=inputs)


@contextmanager
def open_output(output: "Output | None") -> Iterator[TextIO | None]:
    """Opens a file, or standard output if it is None, for JSON in UTF-8, whatever the terminal's encoding.

    A regular file appears when the block ends without an error. UTF-8 cannot encode surrogates; they are written as
    backslash escapes, which are also their escapes in JSON.

    Raises:
        ConfigError: the file cannot be written.
    """
    if output is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
        yield sys.stdout
        return
    with output.opened() as file:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace")
        yield text
        text.flush()
        text.detach()  # `opened` closes the file


def files_given(input_: str, archive: Path, packages: list[str]) -> "Inputs":
    """What `predict` reads, as far as the command line names it."""
    from mtlkit.runs import archives_given

    source = {"standard input": Path("/dev/stdin")} if input_ == "-" else {f"INPUT {input_}": Path(input_)}
    return {**source, **archives_given([archive], packages=packages)}
