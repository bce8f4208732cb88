"""Tables as Markdown and LaTeX, and the layout of a comparison."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

from mtlkit.comparison import Comparison, Question, compare, read_record, systems_of
from mtlkit.comparison.layout import as_csv, as_json, notes_of, tables_of
from mtlkit.comparison.tables import Cell, Table, latex, mark_best, markdown, spread

TABLE = Table(
    "50 % of a|b", ["task", "x_y"], [[Cell("a|b_c*"), Cell("-1.50 ± 0.20", best=True)], [Cell("[d]"), Cell("")]]
)
MakeRun = Callable[..., Path]


def test_one_seed_has_no_spread() -> None:
    assert spread([0.5]) == "50.00"
    assert spread([0.5, 0.52]) == "51.00 ± 1.41"


def test_the_best_are_those_that_look_best() -> None:
    assert mark_best([0.81231, 0.81234, 0.7, None]) == [True, True, False, False]
    assert mark_best([0.8, None]) == [False, False]


def test_markdown_escapes_what_would_break_a_table() -> None:
    assert markdown([TABLE], ["a note on x_y"]).splitlines() == [
        r"**50 % of a\|b**",
        "",
        r"| task | x\_y |",
        "| --- | ---: |",
        r"| a\|b\_c\* | **-1.50 ± 0.20** |",
        "| [d] |  |",
        "",
        r"a note on x\_y",
    ]


def test_latex_escapes_names_and_uses_booktabs() -> None:
    text = latex([TABLE], ["a note"])
    assert r"\caption{50 \% of a$|$b}" in text
    assert r"a$|$b\_c* & \textbf{$-$1.50 $\pm$ 0.20} \\" in text
    assert "{[d]} &  \\\\" in text  # after a row's end, [ would begin its argument
    rules = [line for line in text.splitlines() if line.endswith("rule")]
    assert rules == [r"\toprule", r"\midrule", r"\bottomrule"]
    assert text.startswith("% needs \\usepackage{booktabs}\n% a note\n")


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
