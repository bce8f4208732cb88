"""Runs `mtlkit` for each of several command lines and prints what came of it, as JSON, with the files that it opened.

Arguments: a folder, and a JSON list of command lines. Only files whose paths have the folder's name in them count. This
is a process of its own, since an audit hook cannot be removed.
"""

import contextlib
import io
import json
import os
import sys
from typing import Any


def main(folder: str, commands: list[list[str]]) -> None:
    """Runs the commands, each as from a terminal."""
    from mtlkit.cli import main as mtlkit

    opened: list[str] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("open", "os.listdir", "os.scandir") and arguments and isinstance(arguments[0], str | bytes):
            path = os.fsdecode(arguments[0])
            # Resolved, so that a file is found under every name.
            if folder in path or folder in os.path.realpath(path):
                opened.append(path)

    sys.addaudithook(hook)
    outcomes = []
    for command in commands:
        output, messages = io.StringIO(), io.StringIO()
        sys.argv = ["mtlkit", *command]
        opened.clear()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(messages):
            try:
                mtlkit()
                code = 0
            except SystemExit as ended:
                code = int(ended.code or 0)
        outcomes.append([code, output.getvalue(), messages.getvalue(), list(opened)])
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
