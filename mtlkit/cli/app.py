"""The command `mtlkit`: its verbs, and how errors end."""

import signal
import sys

import typer

from mtlkit.cli.data import app as data_app
from mtlkit.cli.inspect import check, components, plugins, schema
from mtlkit.cli.work import evaluate, predict, train
from mtlkit.errors import MtlkitError

USAGE_ERROR = 2

app = typer.Typer(
    name="mtlkit",
    help="Train one model on many related text tasks; the sharing between tasks is the component you choose.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verb in (train, evaluate, predict, check, components, schema, plugins):
    app.command()(verb)
app.add_typer(data_app)


def main() -> None:
    """Runs the command line; a user's mistake ends in its message and exit code 2, never in a traceback."""
    try:
        app()
    except MtlkitError as error:
        print(error, file=sys.stderr)
        raise SystemExit(USAGE_ERROR) from None
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(128 + signal.SIGINT) from None
    except BrokenPipeError:  # `mtlkit predict ... | head` has seen enough
        sys.stderr.close()
        raise SystemExit(0) from None
