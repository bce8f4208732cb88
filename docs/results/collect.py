"""Keeps what runs came to: `python docs/results/collect.py RUN ...` writes a JSON file per run beside this script.

Each holds the run's command, machine, versions, data hashes and figures, as its `meta.json`, `metrics.json` and
`metrics.jsonl` say, and the paths that a search has come to; `runs.md` here is then written anew from all of them.
"""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from mtlkit.figures import summary_of

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
)
HEADER = """# Single runs

Written by `collect.py` here, from the directories that the runs left. Figures are shares of 1 in the JSON files and
percent in this table; *clean* leaves out test texts that occur in any task's train or dev data. One seed each.

| run | overrides | epochs | minutes | machine | test figures |
| --- | --- | --- | --- | --- | --- |
"""


def collect(run: Path, target: Path) -> None:
    """Writes one finished run's JSON file."""
    meta = json.loads((run / "meta.json").read_text())
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    derived = sorted(run.glob("stages/*/paths.json"))
    result = {
        "arguments": public_arguments(meta["command"][1:]),
        **{key: meta[key] for key in KEPT if key in meta},
        "data": {Path(path).name: digest for path, digest in meta["data"].items()},
        "metrics": json.loads((run / "metrics.json").read_text()),
        **({"paths": json.loads(derived[-1].read_text())} if derived else {}),
        "epochs": epochs,
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
    result: dict[str, Any] = json.loads(file.read_text())
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
    for run in sys.argv[1:]:
        collect(Path(run), HERE / f"{Path(run).name}.json")
    rows = [row(file) for file in sorted(HERE.glob("*.json"))]
    (HERE / "runs.md").write_text(HEADER + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
