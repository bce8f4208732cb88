"""Systems side by side: means, spreads, gains, and what they are not told of."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from statistics import stdev

import pytest

from mtlkit.comparison import Comparison, Question, compare, read_record, systems_of
from mtlkit.errors import RunError

MakeRun = Callable[..., Path]
BOTH, HALF, MOST = "++++++++++", "+++++-----", "++++++++--"
CLEAN = [True] * 5 + [False] * 5


def compared(*runs: Path, baseline: str | None = "base", **question: object) -> Comparison:
    systems = systems_of([read_record(run) for run in runs])
    found = next((system for system in systems if system.name == baseline), None)
    return compare(systems, Question(baseline=found, **question))  # type: ignore[arg-type]


def test_means_and_spreads_over_seeds_by_task_and_on_average(make_run: MakeRun) -> None:
    runs = [make_run("ic-1", 1, {"a": MOST, "b": HALF}), make_run("ic-2", 2, {"a": BOTH, "b": HALF})]
    base = make_run("base-1", 1, {"a": HALF, "b": HALF})
    comparison = compared(*runs, base)
    results = comparison.results["all"]["ic"]
    assert [results[task].mean for task in ("a", "b", "average")] == pytest.approx([0.9, 0.5, 0.7])
    assert results["average"].values == pytest.approx([0.65, 0.75])
    assert results["average"].deviation == pytest.approx(stdev([0.65, 0.75]))
    assert results["average"].gain == pytest.approx(0.2)
    base_results = comparison.results["all"]["base"]
    assert base_results["a"].deviation is base_results["a"].gain is base_results["a"].interval is None
    assert comparison.metrics == {"a": "accuracy", "b": "accuracy"}
    assert list(comparison.results) == ["all"] and comparison.notes == []


def test_gains_have_intervals_around_them(make_run: MakeRun) -> None:
    runs = [make_run("ic-1", 1, {"a": MOST, "b": HALF}), make_run("ic-2", 2, {"a": BOTH, "b": HALF})]
    results = compared(*runs, make_run("base-1", 1, {"a": HALF, "b": HALF})).results["all"]["ic"]
    gained, same, average = (results[task].interval for task in ("a", "b", "average"))
    assert gained and same and average
    assert (same.low, same.high, same.p) == (0, 0, 1)
    assert 0 < gained.low < 0.4 < gained.high < 0.8
    # Task b is the same on every resample, so that the average is half of task a.
    assert (average.low, average.high) == pytest.approx((gained.low / 2, gained.high / 2))
    assert average.p == gained.p < 0.05


def test_clean_figures_are_of_the_clean_texts(make_run: MakeRun) -> None:
    """The first five texts of task a are clean, so that a clean average has them and all texts of b."""
    run = make_run("ic-1", 1, {"a": MOST, "b": MOST}, clean={"a": CLEAN})
    base = make_run("base-1", 1, {"a": "-----+++++", "b": HALF}, clean={"a": CLEAN})
    comparison = compared(run, base)
    results = comparison.results["clean"]["ic"]
    assert [results[task].mean for task in ("a", "b", "average")] == pytest.approx([1.0, 0.8, 0.9])
    assert results["a"].gain == 1.0 and results["a"].interval is not None
    assert (results["a"].interval.low, results["a"].interval.high) == (1, 1)
    assert comparison.results["all"]["ic"]["a"].gain == pytest.approx(0.3)


def test_runs_with_other_clean_texts_have_no_clean_intervals(make_run: MakeRun) -> None:
    run = make_run("ic-1", 1, {"a": MOST, "b": MOST}, clean={"a": CLEAN})
    comparison = compared(run, make_run("base-1", 1, {"a": HALF, "b": HALF}))
    assert comparison.results["clean"]["ic"]["a"].interval is None
    assert comparison.results["all"]["ic"]["a"].interval is not None
    assert comparison.notes == ["no intervals on clean texts: those of a are not the same for all runs"]


def test_where_a_run_has_no_clean_texts_there_are_no_clean_tables(make_run: MakeRun) -> None:
    seen = make_run("ic-1", 1, {"a": MOST}, clean={"a": [False] * 10})
    comparison = compared(seen, make_run("base-1", 1, {"a": HALF}))
    assert list(comparison.results) == ["all"]
    assert comparison.notes == ["no clean figures: in no task has every run clean test texts"]


def test_only_tasks_that_all_runs_have_are_compared(make_run: MakeRun) -> None:
    comparison = compared(make_run("ic-1", 1, {"a": MOST, "b": MOST}), make_run("base-1", 1, {"a": HALF, "c": HALF}))
    assert list(comparison.results["all"]["ic"]) == ["a"]
    assert comparison.notes == ["left out, since not every run has such figures: b, c"]
    with pytest.raises(RunError, match=r"have no task in common on test data; .*ic-2 has accuracy, majority for b"):
        compared(make_run("ic-2", 2, {"b": MOST}), make_run("base-2", 2, {"a": HALF}))
    with pytest.raises(RunError, match="have no task with the metric 'f1' in common on test data"):
        compared(make_run("ic-3", 3, {"b": MOST}), metric="f1")
    with pytest.raises(RunError, match="give --metric accuracy"):
        compared(make_run("ic-4", 4, {"b": MOST}), metric="clean_accuracy")


def test_a_run_that_has_kept_no_answers_has_no_interval(make_run: MakeRun) -> None:
    old = make_run("old-1", 1, {"a": MOST}, kept=False)
    base, other = make_run("base-1", 1, {"a": HALF}), make_run("ic-1", 1, {"a": MOST})
    comparison = compared(old, base, other)
    results = comparison.results["all"]
    assert results["old"]["a"].gain == pytest.approx(0.3) and results["old"]["a"].interval is None
    assert results["ic"]["a"].interval is not None
    (note,) = comparison.notes
    assert note.startswith(f"no intervals with {old}: the answers to single test texts are not kept there; write them")
    assert note.endswith(f"mtlkit evaluate {old} --split test --predictions {old / 'predictions'}")


def test_a_figure_that_is_no_metrics_has_no_interval(make_run: MakeRun) -> None:
    comparison = compared(make_run("ic-1", 1, {"a": MOST}), make_run("base-1", 1, {"a": HALF}), metric="majority")
    assert comparison.results["all"]["ic"]["a"].gain == 0
    assert comparison.notes == ["no intervals: 'majority' is not computed from the answers to single texts"]


def test_of_files_that_share_a_name_nobody_knows_which_is_which(make_run: MakeRun) -> None:
    run = make_run("ic-1", 1, {"a": MOST}, kept=False, data={"/tags/train.txt": "1", "/chunks/train.txt": "2"})
    other = make_run("fs-1", 1, {"a": HALF}, kept=False, data={"/tags/train.txt": "1"})
    assert compared(run, other).metrics == {"a": "accuracy"}


def test_answers_that_are_damaged_or_do_not_come_to_the_figures_are_told(make_run: MakeRun) -> None:
    run, base = make_run("ic-1", 1, {"a": MOST}), make_run("base-1", 1, {"a": HALF})
    metrics = json.loads((run / "metrics.json").read_text())
    metrics["test"]["a/accuracy"] = 0.7
    (run / "metrics.json").write_text(json.dumps(metrics))
    assert compared(run, base).notes == [f"{run}: its answers come to a/accuracy 80.00%, its figures say 70.00%"]
    file = run / "predictions" / "test" / "a.jsonl.gz"
    lines = gzip.decompress(file.read_bytes()).splitlines()
    for damaged in (file.read_bytes()[:-10], b"text", gzip.compress(b"\n".join([*lines, b'{"gold": "x"}']))):
        file.write_bytes(damaged)
        with pytest.raises(RunError, match=r"a\.jsonl\.gz: missing or damaged; mtlkit evaluate ARCHIVE --predictions"):
            compared(run, base)
