"""What is left of a journal whose writer was killed."""

import pytest

from mtlkit.sweeps.study import cut_unfinished_line


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
