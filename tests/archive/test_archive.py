"""What an opened archive says."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

import mtlkit
from mtlkit.archive import Archive, open_archive
from tests.soak.tiny_archive import changed, packed, tar


def labels_of_books(path: Path, reader: dict[str, Any]) -> list[str]:
    def change(experiment: dict[str, Any]) -> None:
        experiment["tasks"]["books"]["reader"] = reader

    path.write_bytes(packed(tar(changed("experiment.resolved.json", change))))
    with open_archive(path, torch.device("cpu")) as archive:
        assert isinstance(archive, Archive)
        return archive.labels_in_files("books")


def test_a_reader_says_what_files_write_for_labels(registry: None, tmp_path: Path) -> None:
    @mtlkit.DatasetReader.register("stars")
    class StarsReader(mtlkit.DatasetReader):
        """`labels` is the least number of stars by label; `names` renames labels."""

        target_kind = "label"
        renames_by = "names"

        def __init__(self, labels: dict[str, int], names: dict[str, str] | None = None) -> None:
            self.labels, self.names = labels, names

        def files(self, source: str) -> list[Path]:
            return [Path(source)]

        def read(self, source: str) -> Iterator[mtlkit.Instance | mtlkit.Skipped]:
            raise AssertionError("nothing is read")

        def parse(self, raw: str | Mapping[str, object]) -> mtlkit.Instance:
            return mtlkit.Instance((str(raw),))

    stars = {"type": "stars", "labels": {"good": 4, "bad": 1}}
    assert labels_of_books(tmp_path / "a.tar.gz", stars) == ["negative", "positive"]
    stars["names"] = {"*": "negative", "*****": "positive"}
    assert labels_of_books(tmp_path / "a.tar.gz", stars) == ["negative", "positive", "*", "*****"]
    plain = {"type": "text_classification", "labels": {"0": "negative", "1": "positive"}}
    assert labels_of_books(tmp_path / "b.tar.gz", plain) == ["negative", "positive", "0", "1"]
    assert labels_of_books(tmp_path / "c.tar.gz", {"type": "text_classification"}) == ["negative", "positive"]
