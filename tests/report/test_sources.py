"""What a report is read from, and what is said where that is wrong."""

import json
import shutil
from dataclasses import replace

import pytest

from mtlkit.errors import ArchiveError, ConfigError, DataError, RunError
from mtlkit.report.analysis.observing import observe
from mtlkit.report.evidence import Epoch
from mtlkit.report.reading import sources
from mtlkit.report.reading.sources import evidence_of, source_of
from mtlkit.runs import Wanted
from tests.report.conftest import CPU, TASKS


@pytest.fixture
def run(trained, tmp_path):
    """A run of its own, to be damaged."""
    return shutil.copytree(trained("direct").path, tmp_path / "run")


def read(path, **wanted):
    return evidence_of(source_of(path), Wanted(**wanted), CPU)


def test_a_run_brings_its_whole_record(run):
    evidence = read(run)
    assert evidence.name == "run"
    assert evidence.metrics == json.loads((run / "metrics.json").read_text())
    assert [line["epoch"] for line in evidence.log] == [1, 2, 3]
    assert evidence.meta["kind"] == "mtlkit run"
    assert list(evidence.observed) == list(TASKS)
    scored = evidence.observed["books"].predictions.figures()
    assert scored["books/accuracy"] == evidence.metrics["test"]["books/accuracy"]


def test_an_archive_alone_has_no_course(run, tmp_path):
    archive = shutil.copy(run / "archive.tar.gz", tmp_path / "mine.tar.gz")
    evidence = read(archive)
    assert (evidence.name, evidence.metrics, evidence.log, evidence.course) == ("mine", None, (), ())
    assert any("archive alone" in note for note in evidence.notes)
    assert source_of(archive).page == tmp_path / "mine.report.html"
    assert source_of(run).page == run / "report.html"


def test_the_record_of_sharing_is_read_where_there_is_one(run):
    assert any("no record of its sharing" in note for note in read(run).notes) != (run / "sharing.jsonl").exists()
    (run / "sharing.jsonl").write_text('{"epoch": 1}\n')
    assert read(run).course == [Epoch(None, 1, {}, None)]


def test_texts_that_are_not_here_are_left_out_unless_they_were_named(run, tmp_path, monkeypatch):
    archive, empty = run / "archive.tar.gz", tmp_path / "empty"
    empty.mkdir()
    data = read(run).experiment.tasks["books"].test
    hidden = tmp_path / "hidden.tsv"
    shutil.move(data, hidden)
    try:
        evidence = read(archive)
        assert list(evidence.observed) == ["films", "meals"]
        assert any("The test texts of books are not here" in note and "--data" in note for note in evidence.notes)
        with pytest.raises(DataError, match=r"in .*empty; say where it is"):
            read(archive, folders=[empty])
        assert list(read(archive, tasks=["books"], files={"books": str(hidden)}).observed) == ["books"]
    finally:
        shutil.move(hidden, data)


@pytest.mark.parametrize(
    "file, content, problem",
    [
        ("metrics.jsonl", '{"epoch": 1}\n{"epoch', r"metrics\.jsonl:2: missing or damaged"),
        ("metrics.jsonl", '{"epoch": "one"}\n', r"metrics\.jsonl:1: missing or damaged \(epoch: should be a valid int"),
        ("metrics.jsonl", '{"epoch": 1, "dev": {"books/accuracy": "<b>"}}', r"metrics\.jsonl:1: missing or damaged"),
        ("metrics.json", "[]", r"metrics\.json: missing or damaged \(no JSON object"),
        ("metrics.json", '{"epochs": 1, "steps": 2, "test": 3}', r"metrics\.json: missing or damaged \(test: "),
        ("sharing.jsonl", "\n", r"sharing\.jsonl:1: missing or damaged"),
    ],
)
def test_a_damaged_record_is_told_with_its_place(run, file, content, problem):
    (run / file).write_text(content)
    with pytest.raises(RunError, match=problem):
        read(run)


@pytest.mark.parametrize("place", ["by task", "sender", "cosine"])
def test_a_name_in_the_record_that_is_no_task_is_not_drawn_as_one(run, place):
    record = (run / "sharing.jsonl").read_text().splitlines()
    line = json.loads(record[1])
    if place == "by task":
        line["sharing"]["boks"] = line["sharing"].pop("books")
    elif place == "sender":
        line["sharing"]["films"]["senders"][0] = "boks"
    else:
        line["gradient_cosine"] = {"tasks": ["boks"], "cosines": [[1.0]]}
    (run / "sharing.jsonl").write_text("\n".join([record[0], json.dumps(line), *record[2:]]))
    message = r"^sharing\.jsonl:2: 'boks' is not a task of the run, .* move it away"
    with pytest.raises(RunError, match=message) as refused:
        read(run)
    assert "\n" not in str(refused.value)


def test_a_run_does_not_stand_beside_itself(run, trained):
    other = trained("fully_shared").path
    given = evidence_of(source_of(run), Wanted(limit=2), CPU, baselines=[run, other, other])
    assert [record.name for record in given.baselines] == ["fully_shared"]
    assert [note for note in given.notes if "stands on this page already" in note] == [
        f"{path} stands on this page already, and is not drawn beside itself." for path in (run, other)
    ]


def test_a_report_of_more_texts_than_the_run_had_is_told(run):
    def told(**wanted):
        return [note for note in read(run, **wanted).notes if "with --limit" in note]

    assert told() == told(limit=3) == []
    meta = json.loads((run / "meta.json").read_text())
    (run / "meta.json").write_text(json.dumps({**meta, "limit": 3}))
    assert "with --limit 3; what is shown of the sharing is of all test texts of each task" in told()[0]
    assert "of at most 4 test texts" in told(limit=4)[0] and told(limit=3) == []


def test_a_model_without_numbers_is_told_of_on_the_page(run, monkeypatch):
    def broken(archive, wanted, say):
        return {name: replace(seen, is_finite=name != "books") for name, seen in observe(archive, wanted, say).items()}

    monkeypatch.setattr(sources, "observe", broken)
    assert [note.partition(":")[0] for note in read(run).notes if "worth nothing" in note] == ["books"]


def test_what_is_no_finished_run(run, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunError, match="is not a run; give the directory of a finished run"):
        source_of(tmp_path / "folder")
    (run / "metrics.json").unlink()
    with pytest.raises(RunError, match="its run is not finished; go on with it by mtlkit train"):
        source_of(run)
    with pytest.raises(ArchiveError, match="no such file"):
        read(tmp_path / "none.tar.gz")


def test_mistakes_in_what_is_wanted(run):
    with pytest.raises(ConfigError, match="no task 'plays' in the archive; its tasks are books, films, meals"):
        read(run, tasks=["plays"])
    with pytest.raises(ConfigError, match="there is no split third; use train, dev, test"):
        read(run, split="third")
    with pytest.raises(RunError, match="is not a run; give a run's directory"):
        evidence_of(source_of(run), Wanted(), CPU, baselines=[run / "vocabulary"])
