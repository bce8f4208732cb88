"""Files of components: what may be written, and what is read of it. A whole way is in end_to_end/test_own_files.py."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import mtlkit
from mtlkit.archive import FORMAT, formats, members, open_archive, packing, unpacking
from mtlkit.archive.component_files import save_files
from mtlkit.archive.members import FileCounts, largest_size
from mtlkit.archive.packing import pack
from mtlkit.archive.unpacking import unpack
from mtlkit.errors import ArchiveError, ComponentError
from mtlkit.process.processor_time import limited
from tests.soak.tiny_archive import changed, packed, read_members, sealed, tar

Write = Callable[[Path], object]


class Saving:
    """A stand-in for a component."""

    def __init__(self, write: Write, freeze: Write) -> None:
        self.save_files, self.save_frozen = write, freeze


def saved(folder: Path, write: Write, name: str = "model.embedder=x", freeze: Write = lambda folder: None) -> None:
    save_files(folder, {name: Saving(write, freeze)})  # type: ignore[dict-item]


def test_what_is_there_is_not_written_again(tmp_path: Path) -> None:
    saved(tmp_path, lambda folder: (folder / "a.txt").write_text("first"))
    saved(tmp_path, lambda folder: (folder / "a.txt").write_text("second"))
    saved(tmp_path, lambda folder: (folder / "a.txt").write_text("third"), "model.embedder=y")
    assert (tmp_path / "model.embedder=x" / "a.txt").read_text() == "first"
    assert (tmp_path / "model.embedder=y" / "a.txt").read_text() == "third"


def many(folder: Path) -> None:
    for number in range(65):
        (folder / str(number)).touch()


def large(folder: Path) -> None:
    for name in ("a", "b"):
        with (folder / name).open("wb") as file:
            file.truncate(2**25 + 1)


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda folder: None, "writes no file; write at least one"),
        (lambda folder: (folder / "inner").mkdir(), "writes 'inner', which is not a plain file"),
        (lambda folder: (folder / "link").symlink_to("/etc/passwd"), "writes 'link', which is not a plain file"),
        (lambda folder: (folder / ".hidden").touch(), r"writes '.hidden'; use up to 100 letters"),
        (lambda folder: (folder / "a b").touch(), "writes 'a b'; use up to 100 letters"),
        (lambda folder: (folder / ("a" * 101)).touch(), "writes 'a+'; use up to 100 letters"),
        (many, "writes 65 files; write at most 64"),
        (large, "writes 67,108,866 bytes; write at most 64 MiB"),
    ],
)
def test_what_cannot_be_in_an_archive_is_refused_before_training(write: Write, says: str, tmp_path: Path) -> None:
    with pytest.raises(ComponentError, match=f"test_component_files.Saving: save_files {says}"):
        saved(tmp_path, write)
    assert list(tmp_path.iterdir()) == []


def sized(name: str, size: int) -> Write:
    """Writes a file of zeros."""

    def write(folder: Path) -> None:
        with (folder / name).open("wb") as file:
            file.truncate(size)

    return write


def test_frozen_weights_may_be_larger_than_other_files(tmp_path: Path) -> None:
    saved(tmp_path, sized("a.txt", 2**26), freeze=sized("weights.safetensors", 2**27))
    assert {file.name for file in (tmp_path / "model.embedder=x").iterdir()} == {"a.txt", "weights.safetensors"}
    with pytest.raises(ComponentError, match="writes 67,108,865 bytes; write at most 64 MiB"):
        saved(tmp_path, sized("a.txt", 2**26), "model.embedder=y", sized("weights.safetensors.txt", 1))
    for name in ("a.safetensors", "a-b.c.safetensors"):
        assert largest_size(f"files/model.embedder=x/{name}") == largest_size("weights/model.safetensors"), name
    for name in ("safetensors", "a.safetensors.json", "a.safetensorsx"):
        assert largest_size(f"files/model.embedder=x/{name}") == 2**26, name
    assert largest_size("files/model.embedder=x/.safetensors") is None
    counts = FileCounts()
    assert [counts.excess(f"files/model.embedder=x/{number}.safetensors", 2**30) for number in range(64)] == [None] * 64
    assert counts.excess("files/model.embedder=x/64.safetensors", 1) == "is one of more than 64 of a component"


def test_a_place_that_is_too_long_is_refused_before_training(tmp_path: Path) -> None:
    name = f"model.sharing{'.layers.0' * 19}=x"
    with pytest.raises(ComponentError, match=r"writes what would be 'files/model.sharing.*, which is too long"):
        saved(tmp_path, lambda folder: (folder / ("a" * 80)).touch(), name)


def test_every_file_that_may_be_saved_may_be_in_an_archive() -> None:
    for name in ("a", "A-b_c.d+e.txt", "tokenizer.json", "0", "a" * 100):
        assert largest_size(f"files/tasks.a-B_1.reader.tokenizer=x_1/{name}") == 2**26, name


def test_all_components_together_have_a_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(members, "MAX_ALL_FILES_BYTES", 3 * 2**20)
    names = [f"files/tasks.t{number}.reader=x/a.bin" for number in range(4)]
    counts = FileCounts()
    found = [counts.excess(name, 2**20) for name in names]
    assert found == [None, None, None, "makes more than 3 MiB of the own files of all components"]
    with pytest.raises(ArchiveError, match=r"not written, since files/tasks.t3.reader=x/a.bin makes more than 3 MiB"):
        pack(tmp_path / "a.tar.gz", {name: bytes(2**20) for name in names}, {})
    assert FileCounts().excess("weights/model.safetensors", 2**40) is None


def test_only_archives_with_such_files_are_of_the_new_format(tmp_path: Path) -> None:
    pack(tmp_path / "without.tar.gz", {"meta.json": b"{}"}, {})
    pack(tmp_path / "with.tar.gz", {"meta.json": b"{}", "files/model.embedder=x/a": b"x"}, {})
    versions = [read_members(tmp_path / f"{name}.tar.gz")["manifest.json"] for name in ("without", "with")]
    assert [f'"format_version": {version}'.encode() in text for version, text in zip((2, 3), versions, strict=True)]
    assert FORMAT == 5


@pytest.mark.parametrize(
    ("sizes", "version"),
    [({"a.x=y/a": 10}, 3), ({"a.x=y/a": 10, "a.x=z/a": 10}, 3), ({"a.x=y/a": 11}, 4), ({"a.x=y/a": 6, "a.x=y/b": 5}, 4),
     ({f"a.x{number}=y/a": 9 for number in range(4)}, 4)],
)  # fmt: skip
def test_only_archives_with_large_files_are_of_format_4(
    sizes: dict[str, int], version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "MAX_FILES_BYTES", 10)
    monkeypatch.setattr(formats, "MAX_ALL_FILES_BYTES", 30)
    assert formats.format_of({f"files/{name}": size for name, size in sizes.items()}) == version
    assert formats.format_of({"weights/a.safetensors": 99}) == 2


@pytest.fixture
def listed(registry: None) -> type[mtlkit.Tokenizer]:
    """A tokeniser with files."""

    @mtlkit.Tokenizer.register("listed")
    class Listed(mtlkit.Tokenizer):
        """Listed words."""

        def __init__(self, *, files: mtlkit.Runtime[Path | None]) -> None:
            assert files is not None, "an archive gives files or refuses"
            self.words = (files / "words.txt").read_text().split()

        def save_files(self, folder: Path) -> None:
            (folder / "words.txt").write_text(" ".join(self.words))

        def tokenize(self, text: str) -> list[str]:
            return [word for word in text.split() if word in self.words]

    return Listed


def test_weights_that_are_no_tensors_are_refused_before_a_component_reads_them(listed: type, tmp_path: Path) -> None:
    files = {f"{WHERE}/words.txt": b"fine", f"{WHERE}/frozen.safetensors": b"\xff" * 99}
    with (
        pytest.raises(ArchiveError, match=r"damaged: .*frozen\.safetensors .*its header claims \d+ bytes"),
        open_archive(archive_with(tmp_path / "a.tar.gz", files), torch.device("cpu")),
    ):
        pass


def archive_with(path: Path, files: dict[str, bytes]) -> Path:
    """The tiny archive, whose books are read with that tokeniser."""

    def change(experiment: dict[str, Any]) -> None:
        experiment["tasks"]["books"]["reader"]["tokenizer"] = {"type": "listed"}

    path.write_bytes(packed(tar(sealed({**changed("experiment.resolved.json", change), **files}))))
    return path


WHERE = "files/tasks.books.reader.tokenizer=listed"


def test_an_archive_gives_components_their_files(listed: type, tmp_path: Path) -> None:
    path = archive_with(tmp_path / "a.tar.gz", {f"{WHERE}/words.txt": b"fine film"})
    with open_archive(path, torch.device("cpu")) as archive:
        assert archive.reader_for("books").parse("a fine old film").words == ("fine", "film")


def test_files_that_are_missing_are_no_reason_to_begin_anew(listed: type, tmp_path: Path) -> None:
    """Whoever reads an archive must not be made to look elsewhere for what it should hold."""
    path = archive_with(tmp_path / "a.tar.gz", {})
    with (
        open_archive(path, torch.device("cpu")) as archive,
        pytest.raises(ArchiveError, match=r"tasks\.books\.reader: the files of the tokenizer 'listed' are missing"),
    ):
        archive.reader_for("books")


@pytest.mark.parametrize(
    "folder",
    [
        "files/tasks.news.reader.tokenizer=listed",
        "files/tasks.books.reader=listed",
        "files/tasks.books.reader.tokenizer=whitespace",
        "files/tasks.books.reader=text_classification",
    ],
)
def test_files_elsewhere_are_refused(listed: type, folder: str, tmp_path: Path) -> None:
    path = archive_with(tmp_path / "a.tar.gz", {f"{WHERE}/words.txt": b"fine", f"{folder}/words.txt": b"film"})
    with (
        pytest.raises(ArchiveError, match=f"damaged: {folder} .*none of the experiment's components saves files there"),
        open_archive(path, torch.device("cpu")),
    ):
        pass


FIRST, SECOND = "files/model.embedder.parts.a=x/w.safetensors", "files/model.embedder.parts.b=x/w.safetensors"


def unpacked(path: Path, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    with limited(60) as limit:
        unpack(path, folder, limit)
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_equal_frozen_weights_are_one_member(tmp_path: Path) -> None:
    path, other = tmp_path / "a.tar.gz", FIRST.replace("=x", "=y")
    content = {FIRST: b"one", SECOND: b"one", other: b"two", "files/model.a=x/b.txt": b"", "files/model.b=x/b.txt": b""}
    pack(path, content, {})
    held = read_members(path)
    assert [*held] == ["manifest.json", FIRST, other, "files/model.a=x/b.txt", "files/model.b=x/b.txt"]
    manifest = json.loads(held["manifest.json"])
    assert manifest["format_version"] == 5 and manifest["members"][SECOND]["same_as"] == FIRST
    assert unpacked(path, tmp_path / "here") == content
    assert (tmp_path / "here" / SECOND).samefile(tmp_path / "here" / FIRST)


def test_equal_frozen_weights_are_copied_where_files_have_one_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: object, **__: object) -> None:
        raise OSError("no hard links")

    monkeypatch.setattr("os.link", no_link)
    pack(tmp_path / "a.tar.gz", {FIRST: b"one", SECOND: b"one"}, {})
    assert unpacked(tmp_path / "a.tar.gz", tmp_path / "here") == {FIRST: b"one", SECOND: b"one"}
    monkeypatch.setattr(unpacking, "MAX_BYTES", 2**15)
    monkeypatch.setattr(packing, "MAX_BYTES", 2**20)
    more = [FIRST, SECOND, SECOND.replace("=x", "=y")]
    pack(tmp_path / "b.tar.gz", dict.fromkeys(more, bytes(18_000)), {})
    with pytest.raises(ArchiveError, match="GiB of copies; not unpacked"):
        unpacked(tmp_path / "b.tar.gz", tmp_path / "there")


@pytest.mark.parametrize(
    ("copies", "told"),
    [
        ({SECOND: "files/model.c=x/w.safetensors"}, "is said to be as another member that is not there"),
        ({SECOND: SECOND}, "is said to be as another member that is not there"),
        ({SECOND: 3}, "is said to be as another member that is not there"),
        ({FIRST: SECOND}, "is said to be as another member that is not there"),
        ({SECOND: FIRST, "files/model.c=x/w.safetensors": SECOND}, "is said to be as another member that is not there"),
        ({SECOND: "meta.json"}, "is said to be as another member, and only frozen weights may be"),
        ({"weights/a.safetensors": FIRST}, "is said to be as another member, and only frozen weights may be"),
        ({"files/../../w.safetensors": FIRST}, "is said to be as another member, and only frozen weights may be"),
        ({"files/../w.safetensors": FIRST}, "does not belong in an archive"),
    ],
    ids=["missing", "itself", "a number", "one that is there", "a chain", "of another kind", "weights", "out", "up"],
)
def test_a_forged_copy_is_refused(copies: dict[str, Any], told: str, tmp_path: Path) -> None:
    facts = {"sha256": hashlib.sha256(b"one").hexdigest(), "size": 3}

    def forge(manifest: dict[str, Any]) -> None:
        for name, original in copies.items():
            manifest["members"][name] = {**facts, "same_as": original}

    (tmp_path / "a.tar.gz").write_bytes(packed(tar(sealed({FIRST: b"one", "meta.json": b"{}"}, forge))))
    with pytest.raises(ArchiveError, match=re.escape(told)):
        unpacked(tmp_path / "a.tar.gz", tmp_path / "here")
    assert not (tmp_path / "w.safetensors").exists()


def test_a_copy_that_does_not_fit_its_digest_is_refused(tmp_path: Path) -> None:
    def forge(manifest: dict[str, Any]) -> None:
        manifest["members"][SECOND] = {"sha256": "0" * 64, "size": 3, "same_as": FIRST}

    (tmp_path / "a.tar.gz").write_bytes(packed(tar(sealed({FIRST: b"one"}, forge))))
    with pytest.raises(ArchiveError, match=f"damaged: {SECOND} not as the manifest says"):
        unpacked(tmp_path / "a.tar.gz", tmp_path / "here")


def test_a_run_keeps_equal_frozen_weights_once(tmp_path: Path) -> None:
    def write(text: str) -> Write:
        return lambda folder: (folder / "w.safetensors").write_text(text)

    for name, text in {"a": "one", "b": "one", "c": "two"}.items():
        saved(tmp_path, lambda folder: (folder / "c.json").touch(), f"model.{name}=x", write(text))
    first, second, third = (tmp_path / f"model.{name}=x" / "w.safetensors" for name in "abc")
    assert second.samefile(first) and not third.samefile(first)
    assert [file.read_text() for file in (first, second, third)] == ["one", "one", "two"]
