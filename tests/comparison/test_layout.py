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
    assert "| a | +100.00 [+100.00, +100.00] p = 0.005\\* |" in page
    assert any("200 resamples, seed 0" in note for note in notes_of(found))


def test_the_number_of_comparisons_is_made_up_for(make_run: MakeRun) -> None:
    """One p-value of two averages, and four by task."""
    runs = [make_run("few-1", 1, {"a": "++++++----", "b": "+++++-----"})]
    runs.append(make_run("most-1", 1, {"a": "++++++++++", "b": "++++++++--"}))
    systems = systems_of([read_record(run) for run in [*runs, make_run("fs-1", 1, {"a": "+++++-----", "b": "-" * 10})]])
    found = compare(systems, Question(baseline=systems[2], resamples=500))
    assert list(tables_of(found)[0].header) == ["system", "seeds", "test", "gain over fs", "p", "p (Holm)"]
    records = [record for record in csv.DictReader(as_csv(found).splitlines()) if record["p"]]
    for averages in (True, False):
        family = [record for record in records if (record["task"] == "average") == averages]
        p = sorted(float(record["p"]) for record in family)
        assert len(p) == (2 if averages else 4)
        smallest = min(family, key=lambda record: float(record["p"]))
        assert float(smallest["p_holm"]) == len(p) * p[0]
        assert all(float(record["p"]) <= float(record["p_holm"]) <= 1 for record in family)
    assert any("Holm" in note for note in notes_of(found))


def test_the_notes_say_what_intervals_are_over(make_run: MakeRun) -> None:
    runs = [make_run(f"ic-{seed}", seed, {"a": "++++++++--"}) for seed in (1, 2)]
    bases = [make_run(f"fs-{seed}", seed, {"a": "+++++-----"}) for seed in (1, 2)]

    def notes(*given: Path, texts_only: bool = False) -> str:
        systems = systems_of([read_record(run) for run in given])
        return " ".join(notes_of(compare(systems, Question(baseline=systems[1], texts_only=texts_only))))

    assert "with the variance between seeds (Welch)." in notes(*runs, *bases)
    assert "the models as they are" in notes(*runs, bases[0]) and "the models as they are" in notes(runs[0], *bases)
    assert "the models as they are" in notes(*runs, *bases, texts_only=True)
    assert "(Welch), where both sides have several seeds." in notes(*runs, *bases, make_run("dc-1", 1, {"a": "+" * 10}))


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
