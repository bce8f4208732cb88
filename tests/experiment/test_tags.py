"""The tag scheme of a task's files: what is said, converted and refused."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mtlkit.data import Corpus, DatasetReader, Instance, SchemeSetting, TagScheme, TargetKind
from mtlkit.errors import DataError
from mtlkit.experiment import TaskSettings, load_splits

FILES = {"train": "train.txt", "dev": "dev.txt", "test": "test.txt"}


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[dict[str, list[str]], list[str]]]:
    """Writes the tags of each split to a file, and loads them; returns the tags of texts, and what is said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))

    def run(
        splits: dict[str, list[str]], reader: dict[str, Any] | None = None, trained: Any = None, **settings: Any
    ) -> tuple[dict[str, list[str]], list[str]]:
        for split, texts in splits.items():
            lines = [
                "".join(f"{word} {tag}\n" for word, tag in zip("abcdef", text.split(), strict=False)) for text in texts
            ]
            Path(FILES[split]).write_text("\n".join(lines))
        value = {
            "reader": reader if reader and "type" in reader else {"type": "columns", "tags": 1, **(reader or {})},
            "head": {"type": "crf_tagger"},
            **{split: FILES[split] for split in ("train", *splits)},
            **settings,
        }
        said: list[str] = []
        task = TaskSettings.model_validate(value)
        wanted = list(settings.get("resplit", {})) or list(splits)
        corpora = load_splits("ner", task, wanted, normalization="nfc", trained=trained, say=said.append)
        return {split: tags_of(corpus) for split, corpus in corpora.items()}, said

    return run


def tags_of(corpus: Corpus) -> list[str]:
    return [" ".join(corpus.target(place) or ()) for place in range(len(corpus))]


def test_tags_of_all_splits_are_converted_and_the_scheme_is_said(load: Any) -> None:
    found, said = load({"train": ["I-A B-A O"], "dev": ["I-A O"], "test": ["O O"]})
    assert found == {"train": ["B-A B-A O"], "dev": ["B-A O"], "test": ["O O"]}
    assert said == ["tags of ner: IOB1, read as IOB2"]


def test_a_split_in_another_scheme_is_recognised_and_said(load: Any) -> None:
    found, said = load({"train": ["B-A I-A O B-A"], "dev": ["B-A E-A O S-A"]})
    assert found["dev"] == ["B-A I-A O B-A"] == found["train"]
    assert said == ["tags of ner: IOB2", "tags of ner in dev: IOBES, read as IOB2"]


def test_spans_are_read_before_texts_are_cut(load: Any) -> None:
    found, said = load({"train": ["B-A I-A E-A O"]}, max_length=2)
    assert found == {"train": ["B-A I-A"]} and said == ["tags of ner: IOBES, read as IOB2"]


def test_files_that_are_drawn_from_are_converted_each_from_its_own_scheme(load: Any) -> None:
    found, _ = load({"train": ["B-A I-A O"] * 4, "dev": ["B-A L-A O"] * 3}, resplit={"dev": 2})
    assert set(found["dev"]) == {"B-A I-A O"}


def test_violations_are_said_and_count_as_beginnings(load: Any) -> None:
    found, said = load({"train": ["B-A I-A"] * 9 + ["O I-A"]})
    assert found["train"][-1] == "O I-A"
    assert said[1:] == [
        "tasks.ner.train: in 1 texts an I- tag continues no span, first in text 10; it counts as the beginning of one"
    ]
    found, said = load({"train": ["B-A E-A S-A"] * 9 + ["O B-A O"]})
    assert found["train"][-1] == "O B-A O"
    assert said[1:] == [
        "tasks.ner.train: in 1 texts a tag violates IOBES, first in text 10; spans are read as conlleval reads them"
    ]


def test_what_cannot_be_told_is_refused_with_its_place_and_the_remedy_works(load: Any) -> None:
    splits = {"train": ["B-A I-A O MISC"]}
    with pytest.raises(DataError) as error:
        load(splits)
    assert str(error.value) == (
        "tasks.ner.train: train.txt: some tags mark spans, such as 'B-A', and others do not, such as 'MISC'; mend "
        "them, or set the reader's scheme to 'iob2', which takes others for outside of spans, or to 'none'"
    )
    for scheme in ("iob2", "none"):
        assert load(splits, {"scheme": scheme})[0] == splits
    assert load({"train": ["B-A I-A O O"]})[0] == {"train": ["B-A I-A O O"]}


def test_a_reader_without_the_setting_is_not_told_to_set_it(load: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("B-A I-A O MISC\n")
    task = TaskSettings.model_validate(
        {"reader": {"type": "tags_without_scheme"}, "head": {"type": "crf_tagger"}, "train": "bad.txt"}
    )
    with pytest.raises(DataError, match="; mend the tags, since the reader has no setting for their scheme"):
        load_splits("ner", task, ["train"], normalization="nfc")


class TwoColumns(DatasetReader):
    """Words and tags with a blank between, one text per file."""

    target_kind: TargetKind = "tags"

    def files(self, source: str) -> list[Path]:
        return [Path(source)]

    def read(self, source: str) -> Iterator[Instance]:
        rows = [line.split() for line in Path(source).read_text().splitlines()]
        yield Instance(tuple(row[0] for row in rows), tuple(row[1] for row in rows))

    def parse(self, raw: str | Mapping[str, object]) -> Instance:
        raise NotImplementedError


@DatasetReader.register("its_setting_has_another_name")
class OtherSetting(TwoColumns):
    """Stores the scheme that another setting names."""

    def __init__(self, tagging: SchemeSetting = "none") -> None:
        self.scheme = tagging


@DatasetReader.register("its_setting_means_another_thing")
class OtherMeaning(TwoColumns):
    """Has a setting of this name that has nothing to do with tags."""

    def __init__(self, scheme: str = "http") -> None:
        pass


@DatasetReader.register("its_scheme_is_none")
class Unknown(TwoColumns):
    """Names a scheme that there is not."""

    scheme = "BIO"  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("reader", "expected"),
    [
        ({"type": "its_setting_has_another_name"}, "B-A E-A O"),
        ({"type": "its_setting_has_another_name", "tagging": "iobes"}, "B-A I-A O"),
        ({"type": "its_setting_means_another_thing"}, "B-A I-A O"),
    ],
)
def test_a_plugins_reader_says_the_scheme_by_its_attribute(load: Any, reader: dict[str, Any], expected: str) -> None:
    assert load({"train": ["B-A E-A O"]}, reader)[0] == {"train": [expected]}


def test_a_plugins_reader_with_an_unknown_scheme_is_refused(load: Any) -> None:
    with pytest.raises(
        DataError, match=r"^tasks\.ner\.reader: the attribute `scheme` of its_scheme_is_none is 'BIO', and"
    ):
        load({"train": ["B-A E-A O"]}, {"type": "its_scheme_is_none"})


def test_a_file_for_a_trained_model_is_read_in_its_own_scheme_or_refused(load: Any) -> None:
    trained = {"ner": TagScheme("iobes")}
    assert load({"test": ["S-A O"]}, trained=trained)[0] == {"test": ["B-A O"]}
    assert load({"test": ["A-B A-I O"]}, trained=trained)[0] == {"test": ["B-A I-A O"]}
    remedy = "; write the file's tags in IOBES, as those of the training data are"
    with pytest.raises(DataError, match=remedy):
        load({"test": ["B-A MISC O"]}, trained=trained)


def test_tags_of_a_model_that_an_older_version_trained_are_taken_as_they_are(load: Any) -> None:
    splits = {"test": ["B-A E-A S-A"]}
    assert load(splits, trained={}) == (splits, [])


def test_types_are_chosen_in_every_form(load: Any) -> None:
    assert load({"train": ["B-A E-A S-V O"]}, {"types": ["V"]})[0] == {"train": ["O O B-V O"]}
    assert load({"train": ["A-B A-I V-B O"]}, {"types": ["V"]})[0] == {"train": ["O O B-V O"]}
