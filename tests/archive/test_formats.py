"""Archives of every format there has been can be read, and those of formats to come are refused politely."""

import json
from pathlib import Path

import pytest
import torch

import mtlkit
from mtlkit.archive import FORMAT, open_archive, read_documents
from mtlkit.archive.formats import MIGRATIONS, check_version
from mtlkit.errors import ArchiveError
from mtlkit.runs import predict_inputs
from tests.archive.old_formats import WRITERS, write_format
from tests.soak.malformed_archives import predict_with, run_command
from tests.soak.tiny_archive import packed, read_members, sealed, tar, tiny_members

FORMATS = range(1, FORMAT + 1)


def answers(path: Path) -> list[dict[str, object]]:
    with open_archive(path, torch.device("cpu")) as archive:
        return list(predict_inputs(archive, [("fine film", "here:1"), ("dull", "here:2")], ["books", "news"]))


def test_every_older_format_has_a_writer_and_a_migration() -> None:
    assert list(WRITERS) == list(MIGRATIONS) == list(FORMATS)[:-1]


@pytest.mark.parametrize("version", FORMATS)
def test_a_format_is_what_it_says(version: int, tmp_path: Path) -> None:
    write_format(tmp_path / "old.tar.gz", version)
    manifest = json.loads(read_members(tmp_path / "old.tar.gz")["manifest.json"])
    assert manifest.get("format_version", manifest.get("format")) == version


@pytest.mark.parametrize("version", FORMATS)
def test_it_loads_and_answers_as_today(version: int, tmp_path: Path) -> None:
    write_format(tmp_path / "old.tar.gz", version)
    write_format(tmp_path / "new.tar.gz", FORMAT)
    assert answers(tmp_path / "old.tar.gz") == answers(tmp_path / "new.tar.gz")
    assert read_documents(tmp_path / "old.tar.gz") == read_documents(tmp_path / "new.tar.gz")
    assert run_command("diff", tmp_path / "old.tar.gz", tmp_path / "new.tar.gz").code == 0


def test_both_words_for_the_format_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "odd.tar.gz"
    path.write_bytes(packed(tar(sealed(tiny_members(), lambda manifest: manifest.update(format=1, format_version=1)))))
    assert predict_with(path).code == 0


def test_a_newer_format_is_refused_politely() -> None:
    with pytest.raises(ArchiveError) as refused:
        check_version(Path("a.tar.gz"), {"format_version": 99, "mtlkit": "7.0"})
    told = str(refused.value)
    assert told.startswith(
        f"a.tar.gz: was written by mtlkit 7.0 in format 99, and this is mtlkit {mtlkit.__version__}, "
    )
    assert told.endswith(f"which reads formats 1 to {FORMAT}; update mtlkit to read it")
