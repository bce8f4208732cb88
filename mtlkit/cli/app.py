"""The command `mtlkit`: its verbs, and how errors are reported."""

import errno
import io
import os
import signal
import sys
from contextlib import suppress
from functools import cache
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from mtlkit import __version__
from mtlkit.cli.compare import compare
from mtlkit.cli.data import app as data_app
from mtlkit.cli.diff import diff
from mtlkit.cli.evaluate import evaluate
from mtlkit.cli.explain import explain
from mtlkit.cli.export import export
from mtlkit.cli.inspect import check, components, plugins, schema
from mtlkit.cli.report import report
from mtlkit.cli.sweep import sweep
from mtlkit.cli.transfer import transfer
from mtlkit.cli.work import predict, train
from mtlkit.errors import MtlkitError
from mtlkit.process.interrupts import Interrupted, raising_interrupted
from mtlkit.redaction import redacted
from mtlkit.text import on_one_line

USAGE_ERROR = 2
NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
"""What systems say where a disk is full, or a user may write no more."""


class Verbs(TyperGroup):
    """The group of verbs. A verb that is interrupted ends without a traceback."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # typer's own Context
        try:
            with raising_interrupted():
                return super().invoke(ctx)
        except KeyboardInterrupt as error:
            with suppress(OSError):  # of a terminal that has been closed
                print("interrupted", file=sys.stderr)
            code = error.exit_code if isinstance(error, Interrupted) else 128 + signal.SIGINT
            raise typer.Exit(code) from None
        except BrokenPipeError:  # the reader has closed our output, as in `mtlkit predict ... | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:  # such as a full disk under the output
            _complain(_told(error))
            raise typer.Exit(USAGE_ERROR) from None


app = typer.Typer(
    name="mtlkit",
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verb in (
    train,
    transfer,
    sweep,
    evaluate,
    predict,
    explain,
    export,
    report,
    compare,
    diff,
    check,
    components,
    schema,
    plugins,
):
    app.command()(verb)
app.add_typer(data_app)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train one model on many related text tasks; the sharing between tasks is the component you choose."""
    del version


@cache
def _command() -> Any:
    """The parsers of all verbs, from their signatures. Calling `app` would build them each time."""
    return typer.main.get_command(app)


def main() -> None:
    """Runs the command line. A user's mistake ends with its message and exit code 2, without a traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # labels may have characters that the terminal's encoding lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        _command()()
    except SystemExit:
        _flush()
        raise
    except OSError as error:  # of the output of an option, such as --version
        _end_output(error)
    except MtlkitError as error:
        if not error.told_elsewhere:
            _complain(*error.args)
        raise SystemExit(USAGE_ERROR) from None
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        remedy = "make the model, its vocabulary or the batches smaller, or use a machine with more"
        print(f"out of memory; {remedy}", file=sys.stderr)
        raise SystemExit(USAGE_ERROR) from None


def _complain(*lines: str) -> None:
    """Prints what is wrong to standard error, with no more lines than these, whatever a stranger's file has in them."""
    with suppress(OSError):  # of a terminal that has been closed, for example: the exit code has to do
        print("\n".join(on_one_line(redacted(line)) for line in lines), file=sys.stderr)


def _told(error: OSError) -> str:
    """What the operating system refuses, with a remedy if it is room."""
    lacks_room = error.errno in NO_ROOM and error.strerror == os.strerror(error.errno or 0)  # and is no limit of ours
    remedy = "; make room there, or give a place that has some, and the command again" if lacks_room else ""
    return f"{error.filename or 'output'}: {error.strerror}{remedy}"


def _flush() -> None:
    """Writes what is left of the output. Otherwise Python does it at its end, where an error is a traceback."""
    try:
        if sys.stdout is not None:  # as it is if the shell has closed it
            sys.stdout.flush()
    except OSError as error:  # such as a full disk
        _end_output(error)


def _end_output(error: OSError) -> NoReturn:
    """Ends after an error of the output, of which nothing more is written."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        raise SystemExit(0) from None
    _complain(_told(error))
    raise SystemExit(USAGE_ERROR) from None


def _is_out_of_memory(error: MemoryError | RuntimeError) -> bool:
    if isinstance(error, MemoryError):  # with no memory left, torch must not be imported for the check below
        return True
    from mtlkit.training.devices import is_out_of_memory

    return is_out_of_memory(error)
