"""`sharing.jsonl` beside `metrics.jsonl`: one line for each of its lines, whatever befalls a run."""

from pathlib import Path

import pytest

from mtlkit.runs import RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def append(run: RunDirectory, epoch: int, stage: str | None = None, *, recorded: bool = True) -> int:
    """Logs an epoch; the log's size."""
    place = {} if stage is None else {"stage": stage}
    line = {**place, "epoch": epoch, "step": 10 * epoch, "train": {"movie/loss": 0.5}}
    run.log.append(line, {"sharing": {"movie": {"spread": epoch / 10}}} if recorded else None)
    return run.log.size()


def test_a_line_says_where_it_is_from(run: RunDirectory) -> None:
    append(run, 1)
    append(run, 1, "tune")
    assert run.sharing_log.read_text() == (
        '{"epoch": 1, "step": 10, "sharing": {"movie": {"spread": 0.1}}}\n'
        '{"stage": "tune", "epoch": 1, "step": 10, "sharing": {"movie": {"spread": 0.1}}}\n'
    )


def test_it_is_cut_to_the_epochs_that_are_left(run: RunDirectory) -> None:
    sizes = [append(run, epoch) for epoch in (1, 2, 3)]
    lines = run.sharing_log.read_bytes().splitlines(keepends=True)
    run.log.truncate(sizes[1])
    assert run.sharing_log.read_bytes() == b"".join(lines[:2])
    append(run, 3)
    assert run.sharing_log.read_bytes() == b"".join(lines)
    run.log.truncate(0)
    assert run.sharing_log.read_bytes() == b""


@pytest.mark.parametrize(
    "half",
    [b"", b'{"ep', b'{"epoch": 2, "step": 20, "sharing": {"movie"', b"{}", b"[]", b'{"epoch": [2]}', b"[" * 5000],
)
def test_whoever_was_killed_while_a_line_was_written_leaves_none_of_it(run: RunDirectory, half: bytes) -> None:
    size = append(run, 1)
    before = run.sharing_log.read_bytes()
    with run.sharing_log.open("ab") as file:
        file.write(half)
    run.log.truncate(size)
    assert run.sharing_log.read_bytes() == before


def test_killed_between_the_two_lines(run: RunDirectory) -> None:
    size = append(run, 1)
    before, log = run.sharing_log.read_bytes(), run.metrics_log.read_bytes()
    append(run, 2)
    run.metrics_log.write_bytes(log)
    run.log.truncate(size)
    assert run.sharing_log.read_bytes() == before


def test_stages_with_and_without_records(run: RunDirectory) -> None:
    append(run, 1, "warm_up", recorded=False)
    append(run, 1, "search")
    size = append(run, 2, "search")
    before = run.sharing_log.read_bytes()
    append(run, 1, "tune")
    run.log.truncate(size)
    assert run.sharing_log.read_bytes() == before


def test_without_records_there_is_no_file(run: RunDirectory) -> None:
    size = append(run, 1, recorded=False)
    run.log.truncate(size)
    assert not run.sharing_log.exists()
