"""The journal of a study: of a killed process, damaged, or from a stranger."""

import json

import pytest

from mtlkit.errors import RunError
from mtlkit.runs.documents import LARGEST_LOG
from mtlkit.sweeps.journal import cut_unfinished_line, open_journal

CREATED = '{"op_code":0,"worker_id":"w","study_name":"s","directions":[2]}\n'


@pytest.mark.parametrize(
    ("before", "after"), [(b"", b""), (b"a\nb\n", b"a\nb\n"), (b"a\nb", b"a\n"), (b"a", b""), (b"\n", b"\n")]
)
def test_only_whole_lines_stay(tmp_path, before, after):
    file = tmp_path / "study.log"
    file.write_bytes(before)
    cut_unfinished_line(file)
    assert file.read_bytes() == after


def test_a_journal_that_is_not_there_yet_stays_so(tmp_path):
    cut_unfinished_line(tmp_path / "study.log")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "line",
    ["{{{", "[" * 200_000, "[]", '{"op_code":99,"worker_id":"w"}', '{"op_code":4}', '{"op_code":' + "9" * 6000 + "}"],
    ids=["no JSON", "deep", "a list", "unknown", "incomplete", "digits"],
)
def test_a_damaged_journal_is_told_in_a_sentence(tmp_path, line):
    pytest.importorskip("optuna")
    file = tmp_path / "study.log"
    file.write_text(CREATED + line + "\n")
    with pytest.raises(RunError, match=r"study\.log: damaged \(.*\); delete it: the runs stay"):
        open_journal(file)


def test_a_journal_without_end_is_not_read(tmp_path):
    pytest.importorskip("optuna")
    file = tmp_path / "study.log"
    with file.open("wb") as opened:
        opened.truncate(LARGEST_LOG + 1)
    with pytest.raises(RunError, match="has more than 256 MiB"):
        open_journal(file)


def test_a_journal_that_a_killed_process_has_left_goes_on(tmp_path):
    optuna = pytest.importorskip("optuna")
    file = tmp_path / "study.log"
    file.write_text(CREATED + '{"op_code":4,"wor')
    optuna.create_study(storage=open_journal(file), study_name="s", load_if_exists=True).ask()
    assert [json.loads(line)["op_code"] for line in file.read_text().splitlines()] == [0, 0, 4], "nothing is joined"
