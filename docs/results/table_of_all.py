"""Writes all.csv, every figure of every result in this folder, one a line: `python docs/results/table_of_all.py`.

For plots and statistics of one's own. README.md here describes the columns. Epochs that a cut-off run had done
(`unfinished/`) are no results and are left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mtlkit.comparison.records import KeptRun, read_record
from mtlkit.figures import AVERAGE, MAJORITY, Figure, counted
from mtlkit.files import write_atomically
from mtlkit.runs.documents import checked, read_object
from mtlkit.tables import csv_text

HERE = Path(__file__).parent
COLUMNS = (
    *("table", "system", "seed", "task", "metric", "test", "clean_test", "dev"),
    *("epochs", "seconds", "device", "commit", "texts_per_file"),
)
Row = Mapping[str, Any]


def rows(results: Path) -> Iterator[Row]:
    """All figures, table by table; what a file does not say is missing."""
    for file in sorted(results.glob("*.json")):
        yield from rows_of_run(file, "single runs")
    for folder in sorted(path for path in results.iterdir() if path.is_dir() and path.name != "unfinished"):
        for file in sorted(folder.glob("*.json")):
            of = {"planted/runs": rows_of_planted, "lambda/results": rows_of_sweep}.get(f"{folder.name}/{file.stem}")
            if of is not None:
                yield from of(read_object(file))
            elif folder.name == "transfer" and "metrics" not in (transfer := read_object(file)):
                yield from rows_of_transfer(file.stem, transfer)
            else:
                yield from rows_of_run(file, folder.name)


def rows_of_run(file: Path, table: str) -> Iterator[Row]:
    """Returns the rows of a run that collect.py has kept: of each task and metric, and their averages."""
    kept = checked(file, KeptRun, read_object(file), "collect it again")
    record = read_record(file)
    start, end = (datetime.fromisoformat(kept[key]) for key in ("created", "finished"))
    about = {
        "table": table,
        "system": record.name,
        "seed": record.seed,
        "epochs": kept["metrics"]["epochs"],
        "seconds": int((end - start).total_seconds()),
        "device": (kept["processor"] if kept["device"] == "cpu" else kept["accelerator"]),
        "commit": (kept["git"] or {}).get("commit"),
        "texts_per_file": kept["limit"],
    }
    test, dev = record.figures["test"], record.figures["dev"]
    for figure in map(Figure.parse, test):
        if not figure.clean and figure.metric != MAJORITY:
            clean = counted(test, replace(figure, clean=True))
            scores = {"test": test[str(figure)], "clean_test": clean, "dev": dev.get(str(figure))}
            yield {**about, "task": figure.task, "metric": figure.metric, **scores}


def rows_of_planted(result: Mapping[str, Any]) -> Iterator[Row]:
    """Returns the rows of tasks with known relations. `SYSTEM-pair` was trained on `low` and `high` alone."""
    for record in result["records"]:
        for task, test in record["test"].items():
            yield {
                "table": "planted",
                "system": f"{record['system']}-pair" if record["pair"] else record["system"],
                "seed": record["seed"],
                "task": task,
                "metric": "token_accuracy" if task == "low" else "accuracy",
                "test": test,
                "dev": record["dev"][task],
                "seconds": record["cpu_seconds"],
                "device": result["processor"],
                "commit": result["git"]["commit"],
            }


def rows_of_transfer(name: str, result: Mapping[str, Any]) -> Iterator[Row]:
    """Returns the rows of tasks that were left out of a shared network and then trained on top of it."""
    for task, found in result["tasks"].items():
        yield {
            "table": "transfer",
            "system": name,
            "seed": result["seed"],
            "task": task,
            **{key: found[key] for key in ("metric", "test", "clean_test")},
            "texts_per_file": result["limit"],
        }


def rows_of_sweep(result: Mapping[str, Any]) -> Iterator[Row]:
    """Returns the rows of the weights of the tasks' losses: means over the tasks of their first metrics."""
    for run in (run for point in result["points"] for run in point["runs"]):
        yield {
            "table": "lambda",
            "system": run["run"].removesuffix(f"-{run['seed']}"),
            "task": AVERAGE,
            "metric": "first of each task",
            **{key: run[key] for key in ("seed", "test", "clean_test", "dev")},
            "texts_per_file": result["asked"]["limit"],
        }


def table(found: Iterable[Row]) -> str:
    """The rows as CSV."""
    return csv_text(COLUMNS, ([row.get(column) for column in COLUMNS] for row in found))


if __name__ == "__main__":
    write_atomically(HERE / "all.csv", table(rows(HERE)).encode())
