"""Keeps what runs came to: `python docs/results/collect.py RUN ...` writes a JSON file per run beside this script.

Each holds the run's command, machine, versions, figures, and what identifies its data, as its `meta.json`,
`metrics.json` and `metrics.jsonl` say, what its answers to single test texts come to (kept_answers.py), and the paths
that a search has come to; `runs.md` here is then written anew from all of them. A run that is not finished, or damaged,
is refused.
"""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from kept_answers import kept_answers

from mtlkit.comparison.records import KeptRun
from mtlkit.errors import MtlkitError, RunError
from mtlkit.figures import summary_of
from mtlkit.runs import RunDirectory
from mtlkit.runs.basis import NORMALIZATION, NOTE, RECORDED, basis_of
from mtlkit.runs.documents import checked, read_lines, read_object

HERE = Path(__file__).parent
KEPT = (
    "created",
    "finished",
    "seed",
    "device",
    "threads",
    "limit",
    "mtlkit",
    "python",
    "torch",
    "processor",
    "accelerator",
    "git",
    *RECORDED,
    NOTE,
)
HEADER = """# Single runs

Written by `collect.py` here, from the directories that the runs left. Figures are shares of 1 in the JSON files and
percent in this table; *clean* leaves out test texts that occur in any task's train or dev data. One seed each.

| run | overrides | epochs | minutes | machine | test figures |
| --- | --- | --- | --- | --- | --- |
"""


class ListedRun(KeptRun):
    """What the table says of a kept run."""

    created: str
    finished: str
    processor: str
    device: str
    threads: int | None


def collect(path: Path, target: Path) -> None:
    """Writes one finished run's JSON file.

    Raises:
        RunError: the run is not finished, or a file of it is damaged.
    """
    run = RunDirectory(path)
    if not run.is_finished:
        raise RunError(f"{path}: {'its run is not finished; resume it' if run.is_run else f'{run.not_a_run}'}")
    meta, resolved = run.read_meta(), run.read_resolved()
    answers = kept_answers(path)
    derived = sorted(path.glob("stages/*/paths.json"))
    result = {
        "arguments": public_arguments(meta["command"][1:]),
        **{key: meta[key] for key in KEPT if key in meta},
        NORMALIZATION: basis_of(meta, resolved).settings[NORMALIZATION],
        "data": {Path(file).name: digest for file, digest in meta["data"].items()},
        "metrics": run.read_metrics(),
        **({"paths": read_object(derived[-1])} if derived else {}),
        **({"answers": answers} if answers else {}),
        "epochs": [line for _, line in read_lines(run.metrics_log)],
    }
    target.write_text(json.dumps(result, indent=1) + "\n")


def public_arguments(arguments: list[str]) -> list[str]:
    """The command line without the directory that the run was put in, which means nothing to others."""
    kept = list(arguments)
    for option in ("-s", "--serialization-dir"):
        if option in kept:
            place = kept.index(option)
            del kept[place : place + 2]
    return [argument for argument in kept if argument not in ("--force", "--resume")]


def row(file: Path) -> str:
    """One line of the table."""
    result: dict[str, Any] = checked(file, ListedRun, read_object(file), "collect it again")
    _, experiment, *options = result["arguments"]
    test = result["metrics"]["test"]
    figures = ", ".join(f"{name} {100 * value:.2f}" for name, value in summary_of(test).items())
    start, end = (datetime.fromisoformat(result[key]) for key in ("created", "finished"))
    minutes = f"{(end - start).total_seconds() / 60:.0f}"
    machine = f"{result['processor']}, {result['device']}, {result['threads']} thread"
    overrides = " ".join(f"`{option}`" for option in options if option != "-o")
    cells = [f"[{experiment}]({file.name})", overrides, str(result["metrics"]["epochs"]), minutes, machine, figures]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    try:
        for run in sys.argv[1:]:
            collect(Path(run), HERE / f"{Path(run).name}.json")
        rows = [row(file) for file in sorted(HERE.glob("*.json"))]
    except MtlkitError as error:
        sys.exit(str(error))
    (HERE / "runs.md").write_text(HEADER + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
