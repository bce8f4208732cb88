"""Runs whose figures do not compare are refused, or compared anyway with a sentence that says so."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from mtlkit.comparison import Comparison, Question, compare, read_record, systems_of
from mtlkit.comparison.layout import as_json, notes_of
from mtlkit.config import Lazy
from mtlkit.errors import RunError
from mtlkit.metrics import Accuracy, Metric
from tests.comparison.conftest import LACKING

MakeRun = Callable[..., Path]
MOST, HALF = "++++++++--", "+++++-----"
REMEDY = "; compare runs on the same data, or give --anyway to compare these all the same"


def compared(*runs: Path, anyway: bool = False, split: str = "test") -> Comparison:
    systems = systems_of([read_record(run) for run in runs])
    return compare(systems, Question(split, baseline=systems[-1], resamples=100, anyway=anyway))


def identities(**splits: str) -> dict[str, Any]:
    """The entry of `meta.json` about the texts of task a."""
    return {"a": {split: {"texts": texts, "targets": "as before"} for split, texts in splits.items()}}


def counts(**splits: int) -> dict[str, Any]:
    return {"a": {split: {"read": used, "used": used} for split, used in splits.items()}}


def task(**settings: Any) -> dict[str, Any]:
    files = {split: f"a.{split}.tsv" for split in ("train", "dev", "test")}
    return {"tasks": {"a": {**files, "reader": {"type": "r"}, **settings}}}


def files(train: str = "1", test: str = "2") -> dict[str, str]:
    return {"a.train.tsv": train, "a.dev.tsv": "3", "a.test.tsv": test}


KNOWN = {"identities": identities(train="t", dev="d", test="the texts")}
REDRAWN = {"dev": 5, "test": None, "seed": 1}


@pytest.mark.parametrize(
    ("run", "base", "differing"),
    [
        ({"limit": 5}, {}, "--limit (5 against none)"),
        (
            {"limit": 2500, "about": {"texts": counts(train=2500, test=10)}},
            {"about": {"texts": counts(train=6000, test=10)}},
            "--limit (2,500 against none), the train texts of a (2,500 against 6,000)",
        ),
        ({"resolved": {"normalization": "nfc"}}, {}, "normalization (nfc against none)"),
        (
            {"resolved": {"normalization": "nfc"}},
            {"resolved": {"normalization": "nfkc"}},
            "normalization (nfc against nfkc)",
        ),
        (KNOWN, {"identities": identities(train="u", dev="d")}, "the train texts of a or their order"),
        (KNOWN, {"identities": identities(train="t", dev="e")}, "the dev texts of a or their order"),
        (KNOWN, {"identities": {"a": {"train": {"texts": "t", "targets": "others"}}}}, "the train targets of a"),
        ({"resolved": task(), "data": files()}, {"resolved": task(), "data": files("0")}, "the train data of a"),
        (
            {"resolved": task(resplit={**REDRAWN, "seed": 0}), "data": files()},
            {"resolved": task(resplit=REDRAWN), "data": files()},
            "the train texts of a, drawn by another resplit, the dev texts of a, drawn by another resplit",
        ),
        ({}, {"texts": "others"}, "the test texts of a or their order"),
        ({"kept": False}, {"data": {"/there/a.tsv": "2"}}, "the file a.tsv"),
        (
            {"kept": False, "resolved": task(metrics=[{"type": "f1", "average": "macro"}])},
            {"resolved": task(metrics=[{"type": "f1", "average": "micro", "new": 1}, {"type": "other"}])},
            "the metrics of a",
        ),
    ],
)
def test_runs_that_differ_in_their_data_are_refused_or_said_to_differ(
    make_run: MakeRun, run: Mapping[str, Any], base: Mapping[str, Any], differing: str
) -> None:
    one, other = make_run("ic-1", 1, {"a": MOST}, **run), make_run("base-1", 1, {"a": HALF}, **base)
    sentence = f"{one} and {other}: do not compare, since they differ in {differing}"
    with pytest.raises(RunError) as refused:
        compared(one, other)
    assert str(refused.value) == f"{sentence}{REMEDY}"
    comparison = compared(one, other, anyway=True)
    assert comparison.results["all"]["ic"]["a"].gain == pytest.approx(0.3)
    assert sentence in notes_of(comparison) and sentence in json.loads(as_json(comparison))["notes"]


@pytest.mark.parametrize(
    ("run", "base"),
    [
        (KNOWN, KNOWN),
        ({**KNOWN, "data": {"a.tsv.gz": "zipped"}}, {**KNOWN, "data": {"a.tsv": "plain"}}),
        (
            {"limit": 2500, **KNOWN, "about": {"texts": counts(train=10, dev=5, test=10)}},
            {**KNOWN, "about": {"texts": counts(train=10, dev=5, test=10)}},
        ),
        ({"resolved": task(), "data": files()}, {"resolved": task(max_length=9, head={"type": "h"}), "data": files()}),
        ({"data": {"/here/a.tsv": "1"}}, {"data": {"/there/a.tsv": "1"}}),
    ],
)
def test_runs_on_the_same_texts_compare(make_run: MakeRun, run: Mapping[str, Any], base: Mapping[str, Any]) -> None:
    """Whatever their files are called or packed as, and with a limit that has left out nothing."""
    one, other = make_run("ic-1", 1, {"a": MOST}, **run), make_run("base-1", 1, {"a": HALF}, **base)
    comparison = compared(one, other)
    assert comparison.notes == []
    assert comparison.results["all"]["ic"]["a"].interval is not None


def test_what_an_older_run_did_not_record_is_said_and_not_assumed(make_run: MakeRun) -> None:
    new = make_run("ic-1", 1, {"a": MOST}, **KNOWN, resolved=task(), data=files())
    old = make_run("base-1", 1, {"a": HALF}, about={"limit": LACKING}, data={"/old/other.tsv": "7"})
    assert compared(new, old).notes == [
        f"{new} and {old}: it is not recorded whether they differ in --limit, the train texts of a, the dev texts of a"
    ]


def test_a_run_that_was_resumed_after_changes_is_said_to_be_one(make_run: MakeRun) -> None:
    notes = [{"at": "now", "changes": ["a.tsv (has other content)"]}, {"at": "later", "changes": ["seed: 1 -> 2"] * 3}]
    run, base = make_run("ic-1", 1, {"a": MOST}, resumed_anyway=notes), make_run("base-1", 1, {"a": HALF})
    assert compared(run, base).notes == [
        f"{run}: was resumed after changes, so it is the result of neither experiment: a.tsv (has other content), "
        "seed: 1 -> 2, seed: 1 -> 2 and 1 more"
    ]


def test_each_run_that_differs_is_named_once_and_the_others_are_not(make_run: MakeRun) -> None:
    """Among runs of one system too, whose data may have changed between seeds."""
    runs = [
        make_run(f"ic-{seed}", seed, {"a": MOST}, identities=identities(train=texts))
        for seed, texts in ((1, "t"), (2, "t"), (3, "u"), (4, "v"), (5, "u"))
    ]
    notes = compared(*runs, anyway=True).notes
    assert [note.partition(":")[0] for note in notes] == [f"{runs[0]} and {runs[place]}" for place in (2, 3, 4)]


def test_answers_to_other_texts_than_the_baselines_have_no_interval(make_run: MakeRun) -> None:
    near, far = make_run("near-1", 1, {"a": MOST}), make_run("far-1", 1, {"a": MOST}, texts="others")
    comparison = compared(near, far, make_run("base-1", 1, {"a": HALF}), anyway=True)
    assert comparison.results["all"]["near"]["a"].interval is not None
    assert comparison.results["all"]["far"]["a"].interval is None
    assert "no intervals with far: the test texts or metrics are not those of base" in comparison.notes


def test_a_metric_of_the_same_name_is_another_one(make_run: MakeRun, registry: None) -> None:
    @Metric.register("strict_accuracy")
    class StrictAccuracy(Accuracy):
        """An accuracy that is computed in another way, under the same name."""

    run = make_run("ic-1", 1, {"a": MOST}, metric=Lazy.of(StrictAccuracy))
    base = make_run("base-1", 1, {"a": HALF})
    with pytest.raises(RunError, match=r"ic-1 and .*base-1: do not compare, since they differ in the metric of a;"):
        compared(run, base)
    comparison = compared(run, base, anyway=True)
    assert comparison.results["all"]["ic"]["a"].interval is None
    assert "no intervals with ic: the test texts or metrics are not those of base" in comparison.notes


@pytest.mark.parametrize("about", [{"identities": identities(test="its own")}, {"texts": counts(test=25)}])
def test_answers_to_other_texts_than_the_figures_are_of_are_not_used(
    make_run: MakeRun, about: Mapping[str, Any]
) -> None:
    """They come from another evaluation, such as one with a limit."""
    run, base = make_run("ic-1", 1, {"a": MOST}, about=about, limit=30), make_run("base-1", 1, {"a": HALF}, limit=30)
    found = f"{run}: its answers are to other test texts of a than its figures"
    command = f"mtlkit evaluate {run} --split test --limit 30 --predictions {run / 'predictions'}"
    with pytest.raises(RunError) as refused:
        compared(run, base)
    assert str(refused.value) == f"{found}; write its own by {command}, or give --anyway to compare without them"
    comparison = compared(run, base, anyway=True)
    assert found in comparison.notes and comparison.results["all"]["ic"]["a"].interval is None


def test_kept_results_are_checked_as_runs_are(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("ic-1", 1, {"a": MOST}, **KNOWN)
    kept = {
        "arguments": ["train", "base.jsonnet"],
        "seed": 1,
        "limit": None,
        "data": {"a.tsv": "1"},
        "metrics": {"dev": {}, "test": {"a/accuracy": 0.5}},
    }
    file = tmp_path / "base-1.json"
    file.write_text(json.dumps(kept))
    unknown, _ = compared(run, file).notes
    assert unknown == f"{run} and {file}: it is not recorded whether they differ in normalization"
    more = {"normalization": "none", "identities": identities(train="u", dev="d", test="the texts")}
    file.write_text(json.dumps({**kept, **more}))
    with pytest.raises(RunError, match="differ in the train texts of a or their order"):
        compared(run, file)
    file.write_text(json.dumps({**kept, "limit": "9"}))
    with pytest.raises(RunError, match=r"base-1\.json: missing or damaged \(limit: should be a valid integer"):
        compared(run, file)
