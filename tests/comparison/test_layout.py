"""The layout of a comparison."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

from mtlkit.comparison import Comparison, Question, compare, read_record, systems_of
from mtlkit.comparison.layout import as_csv, as_json, notes_of, tables_of
from mtlkit.tables import markdown

MakeRun = Callable[..., Path]


def comparison(make_run: MakeRun) -> Comparison:
    clean = {"a": [True] * 5 + [False] * 5}
    runs = [make_run(f"i|c-{seed}", seed, {"a": "+" * 10, "b": "+++++++---"}, clean) for seed in (1, 2)]
    systems = systems_of(
        [read_record(run) for run in [*runs, make_run("fs-1", 1, {"a": "-" * 10, "b": "+" * 10}, clean)]]
    )
    return compare(systems, Question(baseline=systems[1], resamples=200))


def test_a_comparison_on_one_page(make_run: MakeRun) -> None:
    found = comparison(make_run)
    page = markdown(tables_of(found), notes_of(found))
    assert "| system | seeds | test | gain over fs | p | clean test | gain over fs | p |" in page
    assert r"| i\|c | 1, 2 | **85.00 ± 0.00** | +35.00 [" in page
    assert "| fs | 1 | 50.00 |  |  | 50.00 |  |  |" in page
    titles = [table.title for table in tables_of(found)]
    assert titles == [
        "test, average of 2 tasks, accuracy in %",
        "test by task, accuracy in %",
        "clean test by task, accuracy in %",
        "gain over fs, test by task, accuracy in points",
        "gain over fs, clean test by task, accuracy in points",
    ]
    assert "| b | 70.00 ± 0.00 | **100.00** |" in page
    assert "| a | +100.00 [+100.00, +100.00] p = 0.005 |" in page
    assert any("200 resamples, seed 0" in note for note in notes_of(found))


def test_a_comparison_to_compute_with(make_run: MakeRun) -> None:
    found = comparison(make_run)
    rows = list(csv.DictReader(as_csv(found).splitlines()))
    assert len(rows) == 2 * 2 * 3
    first = {name: rows[0][name] for name in ("system", "task", "metric", "texts", "seeds", "mean", "gain")}
    assert list(first.values()) == ["i|c", "a", "accuracy", "all", "2", "1.0", "1.0"]
    assert rows[-1]["gain"] == rows[-1]["deviation"] == ""
    value = json.loads(as_json(found))
    assert [list(row) == list(rows[0]) for row in value["results"]] == [True] * 12
    assert value["baseline"] == "fs" and [run["seed"] for run in value["systems"]["i|c"]] == [1, 2]
