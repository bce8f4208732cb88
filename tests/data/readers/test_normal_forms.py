"""Every reader gives words and targets in the normal form of the experiment, plugins that forget it included."""

import json
import unicodedata
from pathlib import Path

import pytest

from mtlkit.config import Lazy
from mtlkit.data import (
    ColumnsReader,
    DatasetReader,
    Instance,
    JsonLinesReader,
    RegexTokenizer,
    TextClassificationReader,
    Tokenizer,
    VaderReader,
    build_reader,
    load_corpus,
)
from mtlkit.data.readers.normalized import NormalizedReader
from mtlkit.errors import ConfigError

WORD, LABEL = "préféré", "génial"
TAGS = [f"B-{LABEL}", "O"]


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def json_line(**fields: object) -> str:
    return json.dumps(fields, ensure_ascii=False)


OWN_PATTERN = Lazy.of(RegexTokenizer, pattern=r"\w+")
READERS = {
    "text": (Lazy.of(TextClassificationReader), f"{LABEL}\t{WORD} x\n"),
    "regex": (Lazy.of(TextClassificationReader, tokenizer=OWN_PATTERN), f"{LABEL}\t{WORD} x\n"),
    "renamed": (Lazy.of(TextClassificationReader, labels={nfd("été"): nfd(LABEL)}), f"été\t{WORD} x\n"),
    "json": (Lazy.of(JsonLinesReader), json_line(text=f"{WORD} x", label=LABEL)),
    "json words": (Lazy.of(JsonLinesReader, words_field="words"), json_line(words=[WORD, "x"], label=LABEL)),
    "json tags": (
        Lazy.of(JsonLinesReader, words_field="words", tags_field="tags"),
        json_line(words=[WORD, "x"], tags=TAGS),
    ),
    "columns": (Lazy.of(ColumnsReader, tags=1), f"{WORD} {TAGS[0]}\nx O\n"),
    "types": (Lazy.of(ColumnsReader, tags=1, types=[nfd(LABEL)]), f"{WORD} {TAGS[0]}\nx B-other\n"),
    "domain": (
        Lazy.of(ColumnsReader, tags="T", domain=nfd("été")),
        f"# columns = W T\n# domain = été\n{WORD}\t{TAGS[0]}\nx\tO\n\n# domain = other\ny\tO\n",
    ),
    "vader": (Lazy.of(VaderReader, domain="movie"), f"{LABEL}\t{WORD} x\n"),
}


def instances(reader: DatasetReader, path: Path) -> list[Instance]:
    return [instance for instance in reader.read(str(path)) if isinstance(instance, Instance)]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("kind", READERS)
def test_a_file_in_any_form_is_the_same_file(kind: str, form: str, tmp_path: Path) -> None:
    reader, content = READERS[kind]
    path = tmp_path / "data.txt"
    path.write_text(unicodedata.normalize(form, content), encoding="utf-8")
    (instance,) = instances(build_reader(reader, "nfc"), path)
    tags = kind in ("json tags", "columns", "types", "domain")
    assert instance == Instance((WORD, "x"), tuple(TAGS) if tags else LABEL)
    corpus = load_corpus(reader, str(path), cache=tmp_path / "cache")
    assert corpus.forms == [WORD, "x"] and corpus.labels == (TAGS if tags else [LABEL])


@pytest.mark.parametrize("kind", ["text", "json", "columns", "vader"])
def test_without_a_form_texts_are_as_they_are(kind: str, tmp_path: Path) -> None:
    reader, content = READERS[kind]
    path = tmp_path / "data.txt"
    path.write_text(nfd(content), encoding="utf-8")
    (instance,) = instances(build_reader(reader, "none"), path)
    assert instance.words == (nfd(WORD), "x")
    assert instance.target == (tuple(map(nfd, TAGS)) if kind == "columns" else nfd(LABEL))


@pytest.mark.parametrize("kind", [kind for kind in READERS if kind not in ("json words", "json tags")])
def test_a_text_to_predict_is_in_the_form_of_training(kind: str) -> None:
    assert build_reader(READERS[kind][0], "nfc").parse(nfd(f"{WORD} x")).words == (WORD, "x")


def test_the_cache_keeps_forms_apart(tmp_path: Path) -> None:
    reader, path = Lazy.of(TextClassificationReader), tmp_path / "data.tsv"
    path.write_text(nfd(f"{LABEL}\t{WORD} Ａ\n"), encoding="utf-8")
    found = {
        form: load_corpus(reader, str(path), cache=tmp_path / "cache", normalization=form).forms
        for form in ("none", "nfc", "nfkc", "nfc")
    }
    assert found == {"none": [nfd(WORD), "Ａ"], "nfc": [WORD, "Ａ"], "nfkc": [WORD, "A"]}


def test_labels_that_differ_only_in_form_are_one_label(tmp_path: Path) -> None:
    path = tmp_path / "data.tsv"
    path.write_text(f"{LABEL}\ta\n{nfd(LABEL)}\tb\n", encoding="utf-8")
    assert load_corpus(Lazy.of(TextClassificationReader), str(path), cache=None).labels == [LABEL]
    texts = load_corpus(Lazy.of(TextClassificationReader), str(path), cache=None, normalization="none")
    assert texts.labels == [LABEL, nfd(LABEL)]


def test_labels_that_two_keys_rename_otherwise_are_refused() -> None:
    reader = Lazy.of(TextClassificationReader, labels={LABEL: "1", nfd(LABEL): "2"})
    with pytest.raises(ConfigError, match=f"labels: '{LABEL}' is there twice"):
        build_reader(reader, "nfc")
    build_reader(reader, "none")


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        (Lazy.of(TextClassificationReader, missing=["manqué"]), "x\ta\nmanqué\tb\n"),
        (
            Lazy.of(JsonLinesReader, missing=["manqué"]),
            json_line(text="a", label="x") + json_line(text="b", label="manqué"),
        ),
        (Lazy.of(ColumnsReader, tags=1, missing=["manqué"]), "a O\n\nb manqué\n"),
    ],
)
def test_marks_of_missing_targets_are_known_in_either_form(
    reader: Lazy[DatasetReader], content: str, tmp_path: Path
) -> None:
    path = tmp_path / "data.txt"
    path.write_text(nfd(content).replace("}{", "}\n{"), encoding="utf-8")
    corpus = load_corpus(reader, str(path), cache=None)
    assert corpus.forms == ["a"] and corpus.skipped == {"with a missing target": 1}


def test_digests_are_those_of_the_form(tmp_path: Path) -> None:
    reader, files = Lazy.of(TextClassificationReader), {form: tmp_path / form for form in ("NFC", "NFD")}
    for form, file in files.items():
        file.write_text(unicodedata.normalize(form, f"x\t{WORD} x\n"), encoding="utf-8")
    as_they_are, normal = (
        {load_corpus(reader, str(file), cache=None, normalization=form).identity for file in files.values()}
        for form in ("none", "nfc")
    )
    assert (len(as_they_are), len(normal)) == (2, 1)


@pytest.mark.usefixtures("registry")
def test_a_reader_that_forgets_the_form_is_brought_into_it(tmp_path: Path) -> None:
    @DatasetReader.register("forgetful")
    class ForgetfulReader(DatasetReader):
        target_kind = "label"
        fetches = True
        renames_by = "names"
        file_format = "columns"

        def __init__(self, tokenizer: Lazy[Tokenizer], names: dict[str, str] | None = None) -> None:
            self._tokenizer = tokenizer.build()

        def files(self, source):
            return []

        def read(self, source):
            yield Instance((nfd(WORD), "x"), nfd(LABEL))

        def read_texts(self, source):
            yield Instance((nfd(WORD), "y"))

        def parse(self, raw):
            return Instance(tuple(self._tokenizer.tokenize(raw)))

        def unused_fields(self, raw):
            return {"id": raw["id"]}

    reader = Lazy.of(ForgetfulReader, tokenizer=Lazy.of(RegexTokenizer))
    built = build_reader(reader, "nfc")
    assert list(built.read("")) == [Instance((WORD, "x"), LABEL)]
    assert built.parse(nfd(f"{WORD} x")).words == (WORD, "x")
    assert list(built.read_texts("")) == [Instance((WORD, "y"))]
    assert (built.fetches, built.renames_by, built.file_format) == (True, "names", "columns")
    assert (built.target_kind, built.files("")) == ("label", [])
    assert built.unused_fields({"id": 1, "text": "a"}) == {"id": 1}
    assert load_corpus(reader, "", cache=None).forms == [WORD, "x"]


def test_the_door_passes_on_all_that_a_reader_does() -> None:
    """What is added to the interface has to go through `NormalizedReader` too, or readers' own forms of it are lost."""
    own = {name for name, value in vars(DatasetReader).items() if not name.startswith("_")}
    own -= {"offers", "when_left_out", "registered_name", "settings", "saves_files"}
    passed_on = {*vars(NormalizedReader), *vars(build_reader(Lazy.of(ColumnsReader, tags=1), "nfc"))}
    assert own <= passed_on, f"pass these on in NormalizedReader: {sorted(own - passed_on)}"


def test_a_reader_that_is_built_by_itself_leaves_texts_as_they_are() -> None:
    assert Lazy.of(JsonLinesReader).build().parse(nfd(WORD)).words == (nfd(WORD),)
