"""The sections on summary, learning curves and work, against the records that they are made from."""

import json
from dataclasses import replace
from html import unescape

import pytest

from mtlkit.comparison import read_record
from mtlkit.config import Lazy
from mtlkit.report.analysis import facts
from mtlkit.report.analysis.scores import kept_in_words, kept_places
from mtlkit.report.charts.drawing import inline_svg
from mtlkit.report.page import page
from mtlkit.report.parts import Chart, Table
from mtlkit.report.reading.sources import evidence_of, source_of
from mtlkit.report.views import curves, summary, work
from mtlkit.runs import Wanted
from mtlkit.training.selection import PerTaskSelection
from tests.report.conftest import CPU, TASKS


@pytest.fixture
def evidence(trained):
    return evidence_of(source_of(trained("pool").path), Wanted(), CPU)


def parts(section, kind):
    return [part for part in section.parts if isinstance(part, kind)]


def table(section, caption):
    return next(part for part in parts(section, Table) if part.caption == caption)


def test_scores_are_the_recorded_ones_beside_those_of_other_runs(evidence, trained):
    other = read_record(trained("fully_shared").path)
    found = table(summary.section(replace(evidence, baselines=[other])), "Scores in percent")
    assert found.header == ("task", "metric", "test", "majority", "fully_shared, test", "difference")
    for task, metric, score, majority, theirs, difference in found.rows:
        own, their = evidence.metrics["test"][f"{task}/accuracy"], other.figures["test"][f"{task}/accuracy"]
        assert (metric, score, theirs) == ("accuracy", f"{100 * own:.2f}", f"{100 * their:.2f}")
        assert float(difference.replace("−", "-")) == pytest.approx(100 * (own - their), abs=0.006)
        assert majority == f"{100 * evidence.metrics['test'][f'{task}/majority']:.2f}"
    assert [row[0] for row in found.rows] == ["books", "films", "meals", "average"]


def test_a_run_without_such_figures_is_told_and_has_no_column(evidence, trained):
    theirs = {"test": {"plays/accuracy": 0.5, "average/accuracy": 0.5}}
    other = replace(read_record(trained("fully_shared").path), figures=theirs)
    section = summary.section(replace(evidence, baselines=[other]))
    assert table(section, "Scores in percent").header == ("task", "metric", "test", "majority")
    assert "No figure of these is known of fully_shared." in section.lead and "Beside it" not in section.lead


def test_figures_of_a_few_texts_are_told_as_such(evidence):
    section = summary.section(replace(evidence, metrics=None))
    assert f"its score on {evidence.num_texts:,} test texts, scored now." in section.lead and evidence.num_texts > 3


def test_a_search_is_told_although_the_archive_knows_only_what_it_came_to(evidence, trained):
    resolved = json.loads((trained("pool").path / "experiment.resolved.json").read_text())
    assert [stage["name"] for stage in resolved["stages"]] == ["search", "fine_tune"]
    assert facts.sharing(replace(evidence, resolved=None)) == "pool (lstm, fixed)"
    assert facts.sharing(evidence) == "pool (lstm, controller)"
    first, second = (stage["trainer"]["update_strategy"]["type"] for stage in resolved["stages"])
    assert first != second
    assert facts.update_strategies(evidence) == f"{first} search + {second} fine_tune"
    assert facts.update_strategies(replace(evidence, resolved=None)) == second
    whole = unescape(page(evidence, []))
    assert json.dumps(resolved, indent=2) in whole


def test_clean_scores_stand_beside_the_standard_ones(evidence):
    clean = {"books/clean_accuracy": 0.25, "books/clean_share": 0.5, "average/clean_accuracy": 0.5}
    metrics = {**evidence.metrics, "test": {**evidence.metrics["test"], **clean}}
    section = summary.section(replace(evidence, metrics=metrics))
    found = table(section, "Scores in percent")
    assert found.header[2:4] == ("test", "clean test") and found.rows[0][3] == "25.00" and found.rows[1][3] is None
    assert "Clean figures leave out" in section.lead
    (chart,) = parts(section, Chart)
    assert chart.data.rows[0][2] == 25 and "books, clean texts only: 25.00 %" in inline_svg(chart)


def test_without_figures_there_is_no_table_of_them(evidence):
    section = summary.section(replace(evidence, metrics=None, observed={}))
    assert not parts(section, Chart) and "there are no figures" in section.lead


def test_curves_count_epochs_over_all_stages(evidence):
    section = curves.section(evidence)
    assert "The stages search, fine_tune follow each other" in section.lead
    dev, losses = parts(section, Chart)
    assert [row[0] for row in dev.data.rows] == [1, 2, 3, 4, 5, 6]
    assert [row[3] for row in dev.data.rows] == [100 * line["dev"]["films/accuracy"] for line in evidence.log]
    assert [row[2] for row in losses.data.rows] == [line["train"]["films/loss"] for line in evidence.log]
    assert ">accuracy, percent</text>" in inline_svg(dev) and ">loss</text>" in inline_svg(losses)
    svg = inline_svg(dev)
    assert svg.count('class="mark"') == 4, "a mark for each task and one for the average"
    best = max(range(6), key=lambda place: evidence.log[place]["dev"]["films/accuracy"])
    assert f"in epoch {best + 1} at best" in svg


def ends(stage, *improved):
    """Epochs, each with the sets of weights that were the best so far."""
    dev = {f"{task}/accuracy": 0.5 for task in (*TASKS, "average")}
    return [
        {"stage": stage, "epoch": epoch, "improved": list(names), "dev": dev} for epoch, names in enumerate(improved, 1)
    ]


def test_the_epoch_whose_weights_were_kept_is_told_and_drawn(evidence):
    log = [*ends("search", ["model"], ["model"]), *ends("fine_tune", ["model"], ["model"], [])]
    kept = replace(evidence, log=log)
    assert kept_places(kept) == dict.fromkeys(TASKS, 3) and kept_in_words(kept) == "epoch 2 of fine_tune"
    assert "kept (epoch 2 of fine_tune, chosen by the selection 'mean')" in curves.section(kept).lead
    drawn = inline_svg(parts(curves.section(kept), Chart)[0])
    assert drawn.count("50 in epoch 4, whose weights were kept") == 4
    assert "weights kept</dt><dd>epoch 2 of fine_tune" in page(kept, [summary.section(kept)])
    assert kept_places(replace(evidence, log=ends("fine_tune", [], []))) == dict.fromkeys(TASKS, 1), "the last serve"
    assert kept_places(replace(evidence, log=())) == {} and kept_in_words(replace(evidence, log=())) == ""


def test_each_task_has_its_own_kept_epoch_where_selection_is_per_task(evidence):
    trainer = evidence.experiment.trainer.model_copy(update={"selection": Lazy.of(PerTaskSelection)})
    own = evidence.experiment.model_copy(update={"trainer": trainer})
    log = ends("fine_tune", TASKS, ["films"], ["meals"])
    kept = replace(evidence, experiment=own, log=log)
    assert (
        kept_in_words(kept) == "books: epoch 1 of fine_tune, films: epoch 2 of fine_tune, meals: epoch 3 of fine_tune"
    )
    drawn = inline_svg(parts(curves.section(kept), Chart)[0])
    assert [f"in epoch {number}, whose weights" in drawn for number in (1, 2, 3)] == [True] * 3
    assert drawn.count("whose weights were kept") == 3, "the average has none"


def test_an_archive_alone_has_no_curves_and_no_work(evidence):
    assert curves.section(replace(evidence, log=())) is None
    assert work.section(replace(evidence, log=(), meta={})) is None


@pytest.mark.parametrize("num_tasks", [1, 5, 16])
def test_any_number_of_tasks_can_be_drawn(evidence, num_tasks):
    (task, *_) = evidence.experiment.tasks.values()
    names = [f"task_{number}" for number in range(num_tasks)]
    experiment = evidence.experiment.model_copy(update={"tasks": dict.fromkeys(names, task)})
    dev, train = ({f"{name}/{what}": 0.5 for name in names} for what in ("accuracy", "loss"))
    log = [{"epoch": epoch, "dev": dev, "train": train} for epoch in (1, 2)]
    many = replace(evidence, experiment=experiment, log=log, metrics={**evidence.metrics, "test": dev})
    for section in (summary.section(many), curves.section(many)):
        for chart in parts(section, Chart):
            svg = inline_svg(chart)
            assert 'width="374"' in svg[: svg.index(">")], "a phone shows 3.9 inches at their own size"
            assert 0 < svg.count('class="mark"') <= 60


def test_work_adds_up_what_the_epochs_counted(evidence):
    section = work.section(evidence)
    found = table(section, "Counted over training")
    assert [row[0] for row in found.rows] == ["search", "fine_tune"]
    place = found.header.index("words")
    for row in found.rows:
        lines = [line["work"] for line in evidence.log if line["stage"] == row[0]]
        assert row[place] == sum(line["tokens"] for line in lines)
        share = 1 - row[place] / sum(line["padded_tokens"] for line in lines)
        assert row[2] == f"{100 * share:.1f} %"


def test_texts_that_were_left_out_are_told_with_the_reason(evidence):
    meta = {**evidence.meta, "texts": {"books": {"train": {"read": 9, "used": 5, "skipped": {"empty": 4}}}}}
    found = table(work.section(replace(evidence, meta=meta)), "Texts left out")
    assert found.rows == (("books", "train", 9, 5, "4 empty"),)
    section = work.section(evidence)
    assert "No text was left out." in section.lead
    assert "Texts left out" not in [part.caption for part in parts(section, Table)]


def test_what_went_wrong_is_worth_a_look(evidence):
    odd = {**evidence.log[0], "skipped": [{"step": 7, "texts": []}], "idle": ["sharing.gate"], "notes": ["odd"]}
    found = table(work.section(replace(evidence, log=[odd], metrics={"notes": ["odd at the end"]})), "Worth a look")
    assert [what for _, what in found.rows] == [
        "step 7 was left out: its loss or gradient is not finite",
        "no gradient reached sharing.gate",
        "odd",
        "odd at the end",
    ]
