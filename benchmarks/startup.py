"""What it takes to start: `mtlkit --help` and `mtlkit check` against importing what they stand on: half a minute.

User and system time of whole processes that take turns. `mtlkit --help` is typer's work alone and is to stay within
twice `import typer`; `mtlkit check` must import torch to know the components.
"""

import os
import sys
from collections.abc import Sequence

from measuring import ROOT, Timings, at_most, command_line, run, untargeted, write_result

MTLKIT = "import sys; from mtlkit.cli import main; sys.argv[0] = 'mtlkit'; main()"
"""What the installed command does."""
COMMANDS: dict[str, Sequence[str]] = {
    "import typer": ["-c", "import typer"],
    "mtlkit --help": ["-c", MTLKIT, "--help"],
    "import torch": ["-c", "import torch"],
    "mtlkit check": ["-c", MTLKIT, "check", "experiments/ic_mtl.jsonnet"],
}


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "startup", rounds=7)
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    found: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(arguments.rounds + 1):
        for name, command in COMMANDS.items():
            done = run([sys.executable, *command], {"PYTHONPATH": path})
            if turn > 0:  # the first turn fills the disk's cache
                found[name].append(done.cpu_seconds)
    timings = Timings(found)
    help_ratio = timings.ratio("mtlkit --help", "import typer")
    check_ratio = timings.ratio("mtlkit check", "import torch")
    rows = [
        at_most("`mtlkit --help` over `import typer`", "whole processes", help_ratio, 2),
        untargeted("`mtlkit check` over `import torch`", "whole processes", check_ratio),
    ]
    write_result(arguments, rows, milliseconds=timings.milliseconds())


if __name__ == "__main__":
    main()
