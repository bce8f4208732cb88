"""Parts by where they stand in settings."""

from pathlib import Path

import pytest

from mtlkit.config import Lazy, Runtime, SavedFiles, Spec, parts_by_place, with_parts
from mtlkit.data import Tokenizer
from mtlkit.errors import ComponentError, ConfigError
from mtlkit.initializers import Initializer


class Part(Tokenizer):
    """A component of an interface that keeps files."""

    def tokenize(self, text: str) -> list[str]:
        return [text]


class Other(Initializer):
    """A component of an interface that keeps none."""

    def fill(self, parameter: object) -> None: ...


class Section(Spec):
    name: str = "n"
    part: Lazy[Tokenizer]
    more: dict[str, list[Lazy[Tokenizer]]] = {}
    pair: tuple[int, Lazy[Tokenizer]] | None = None


@pytest.fixture
def kinds(registry: None) -> None:
    @Tokenizer.register("leaf")
    class Leaf(Part):
        """A leaf."""

        def __init__(self, number: int = 0, *, files: Runtime[Path | None]) -> None:
            self.number, self.files = number, files

        def save_files(self, folder: Path) -> None:
            (folder / "number").write_text(str(self.number))

    @Tokenizer.register("branch")
    class Branch(Part):
        """Parts below it."""

        def __init__(self, parts: list[Lazy[Tokenizer]], section: Section | None = None) -> None:
            self.parts = parts


def section() -> Section:
    leaf = {"type": "leaf"}
    inner = {"part": {"type": "leaf", "number": 2}, "name": "inner"}
    branch = {"type": "branch", "parts": [leaf, {"type": "leaf", "number": 1}], "section": inner}
    return Section.model_validate({"part": branch, "more": {"a": [leaf, leaf]}, "pair": (7, leaf)})


PLACES = ["part", "part.parts.0", "part.parts.1", "part.section.part", "more.a.0", "more.a.1", "pair.1"]


def test_every_part_has_a_place(kinds: None) -> None:
    assert [place for place, _ in parts_by_place(section())] == PLACES


def test_parts_are_changed_where_they_stand_and_nothing_else(kinds: None) -> None:
    before = section()

    def change(place: str, part: Lazy[Tokenizer]) -> Lazy[Tokenizer]:
        return Lazy(part.component, part.settings, SavedFiles(Path(place))) if place.endswith("1") else part

    after = with_parts(before, change)
    marked = {place for place, part in parts_by_place(after) if part.files is not None}
    assert marked == {"part.parts.1", "more.a.1", "pair.1"}
    assert after == before and after.model_dump_json() == before.model_dump_json(), "files are not a setting"
    assert not any(part.files for _, part in parts_by_place(before))
    assert dict(parts_by_place(after))["part.parts.0"] is dict(parts_by_place(before))["part.parts.0"]
    assert with_parts(before, lambda place, part: part) is before
    nine = Lazy.of(Tokenizer.by_name("leaf"), number=9)
    again = with_parts(after, lambda place, part: nine if place == "part.parts.0" else part)
    assert {place for place, part in parts_by_place(again) if part.files is not None} == marked
    assert isinstance(after.pair, tuple) and after.pair[0] == 7


def test_a_part_is_built_with_its_own_files(kinds: None, tmp_path: Path) -> None:
    leaf = Lazy.of(Tokenizer.by_name("leaf"))
    built = leaf.build()
    assert built.files is None and built.built_from is leaf  # type: ignore[attr-defined]
    built = Lazy(leaf.component, leaf.settings, SavedFiles(tmp_path)).build()
    assert built.files == tmp_path  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="the files of the tokenizer 'leaf' are missing"):
        Lazy(leaf.component, leaf.settings, SavedFiles(tmp_path / "gone")).build()
    with pytest.raises(AssertionError):
        leaf.build(files=tmp_path)


def test_a_component_of_files_both_saves_and_takes_them(registry: None) -> None:
    with pytest.raises(ComponentError, match=r"Saves: its constructor does not ask for files; .* save_files\(folder\)"):

        @Tokenizer.register("saves")
        class Saves(Part):
            """Only saves."""

            def save_files(self, folder: Path) -> None: ...

    with pytest.raises(ComponentError, match="Takes: it asks for files only; a component with files of its own"):

        @Tokenizer.register("takes")
        class Takes(Part):
            """Only takes."""

            def __init__(self, *, files: Runtime[Path | None]) -> None: ...

    assert not {"saves", "takes"} & set(Tokenizer.list_available())


def test_an_interface_says_whether_it_keeps_files(registry: None) -> None:
    with pytest.raises(ComponentError, match="asks for files at build time; Initializer offers nothing"):

        @Initializer.register("takes")
        class Takes(Other):
            """Only takes."""

            def __init__(self, *, files: Runtime[Path | None]) -> None: ...

    with pytest.raises(ComponentError, match="Saves defines save_files, and Initializer keeps no files"):

        @Initializer.register("saves")
        class Saves(Other):
            """Only saves."""

            def save_files(self, folder: Path) -> None: ...


def test_a_setting_may_be_called_files(registry: None) -> None:
    @Tokenizer.register("reader")
    class Reader(Part):
        """Reads `files`."""

        def __init__(self, files: list[str]) -> None:
            self.files = files

    assert Lazy.of(Reader, files=["a"]).build().files == ["a"]
