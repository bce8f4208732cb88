import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.data import Corpus, Instance, Namespace, Vectors, Vocabulary, VocabularySettings, build_vocabulary
from mtlkit.data.vocabulary import word_of, words_of
from mtlkit.errors import DataError

TOKENS = st.lists(
    st.text(min_size=1, max_size=4)
    | st.sampled_from(["\\", "\\n", "\n", "\r", "\x85", "\u2028", "\ufeff", "\ud800", "<pad>"]),
    unique=True,
)


@given(TOKENS, TOKENS, st.dictionaries(st.text(max_size=3), TOKENS, max_size=3), st.booleans())
def test_a_saved_vocabulary_comes_back_equal(words, characters, labels, lowercase):
    vocabulary = Vocabulary.of(words, characters, labels, lowercase=lowercase)
    with tempfile.TemporaryDirectory() as folder:
        vocabulary.save(Path(folder))
        assert Vocabulary.load(Path(folder)) == vocabulary


def test_a_file_has_one_line_a_token_whatever_reads_it(tmp_path):
    Namespace(["a\nb", "c\\nd", "\x85\u2028", "é"], is_open=False).save(tmp_path / "tokens.txt")
    content = (tmp_path / "tokens.txt").read_text(encoding="utf-8")
    assert content.splitlines() == ["a\\u000ab", "c\\\\nd", "\\u0085\\u2028", "é"]


def test_no_task_name_leaves_the_folder(tmp_path):
    Vocabulary.of(labels={"../../a": ["x"], "..": ["y"], "/b": ["z"]}).save(tmp_path / "inner")
    assert [path.name for path in tmp_path.iterdir()] == ["inner"]
    assert all(path.is_file() for path in (tmp_path / "inner").iterdir())


def test_a_folder_without_a_whole_vocabulary_is_named(tmp_path):
    with pytest.raises(DataError, match="holds no whole vocabulary"):
        Vocabulary.load(tmp_path)
    for content in ("[]", "{}", "", "[" * 5_000, '{"lowercase": true, "tasks": 3}'):
        (tmp_path / "vocabulary.json").write_text(content)
        with pytest.raises(DataError, match="holds no whole vocabulary"):
            Vocabulary.load(tmp_path)
    Vocabulary.of(["a"], labels={"movie": ["x"]}).save(tmp_path)
    (tmp_path / "labels.movie.txt").unlink()
    with pytest.raises(DataError, match=r"labels\.movie\.txt: no such file"):
        Vocabulary.load(tmp_path)


@pytest.mark.parametrize("content", ["the\n", "<pad>\n<unknown>\nthe\nthe\n", ""])
def test_a_file_that_is_no_open_namespace_is_refused(tmp_path, content):
    (tmp_path / "words.txt").write_text(content)
    with pytest.raises(DataError, match="not a vocabulary file"):
        Namespace.load(tmp_path / "words.txt", is_open=True)


def test_unknown_tokens():
    words, labels = Namespace(["the", "<pad>"], is_open=True), Namespace(["no", "yes"], is_open=False)
    assert words.tokens == ["<pad>", "<unknown>", "the", "<pad>"]
    assert [words.index(token) for token in ("the", "a", "<unknown>", "<pad>")] == [2, 1, 1, 3]
    assert [labels.index(label) for label in ("no", "yes", "maybe")] == [0, 1, -1]
    assert (labels.token(1), len(labels), "yes" in labels, "the" in labels) == ("yes", 2, True, False)


def corpus_of(*texts: str, label: str = "x") -> Corpus:
    return Corpus.from_instances([Instance(tuple(text.split()), label) for text in texts], "label")


TRAINING = {"b": corpus_of("The the cat", "a dog", label="yes"), "a": corpus_of("cat the ant", label="no")}


def test_words_stand_by_count_then_by_code_point():
    vocabulary = build_vocabulary(TRAINING, VocabularySettings())
    assert vocabulary["words"].tokens[2:] == ["the", "cat", "a", "ant", "dog"]
    assert vocabulary["characters"].tokens[2:6] == ["t", "a", "e", "h"]
    assert "T" in vocabulary["characters"]
    assert (vocabulary.tasks, vocabulary.labels("b")) == (["b", "a"], ["yes"])


def test_labels_do_not_depend_on_the_order_of_texts():
    texts = [Instance(("a",), "yes"), Instance(("a",), "no"), Instance(("a",), "maybe")]
    for order in (texts, texts[::-1]):
        vocabulary = build_vocabulary({"t": Corpus.from_instances(order, "label")}, VocabularySettings())
        assert vocabulary.labels("t") == ["maybe", "no", "yes"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"min_count": 2}, ["the", "cat"]),
        ({"max_words": 3}, ["the", "cat", "a"]),
        ({"min_count": 2, "max_words": 1}, ["the"]),
        ({"lowercase": False}, ["cat", "the", "The", "a", "ant", "dog"]),
    ],
)
def test_settings_choose_words(settings, words):
    assert build_vocabulary(TRAINING, VocabularySettings(**settings))["words"].tokens[2:] == words


def test_words_with_a_vector_always_join():
    vectors = Vectors(["zebra", "dog", "The"], np.zeros((3, 2), np.float32))
    vocabulary = build_vocabulary(TRAINING, VocabularySettings(min_count=2, max_words=1), vectors)
    assert vocabulary["words"].tokens[2:] == ["the", "dog", "zebra"]  # `The` could never be looked up


def test_a_limit_keeps_away_only_words_that_training_lacks():
    vectors = Vectors(["zebra", "dog", "emu"], np.zeros((3, 2), np.float32))
    for limit, words in ((0, ["the", "dog"]), (1, ["the", "dog", "zebra"])):
        settings = VocabularySettings(min_count=3, pretrained_limit=limit)
        assert build_vocabulary(TRAINING, settings, vectors)["words"].tokens[2:] == words


def test_words_that_a_cut_took_away_do_not_join():
    cut = {"a": corpus_of("keep drop").cut(1)}
    assert build_vocabulary(cut, VocabularySettings())["words"].tokens[2:] == ["keep"]


def test_ids_of_forms():
    vocabulary = Vocabulary.of(["the"], ["t", "h", "x"])
    assert vocabulary.word_ids(["The", "the", "a"]).tolist() == [2, 2, 1]
    assert vocabulary.character_ids(["ht", "the"]).tolist() == [[3, 2, 0], [2, 3, 1]]
    assert vocabulary.character_ids(["x" * 40]).tolist() == [[4] * 24]


ODD_FORMS = [
    *(
        "The",
        "the",
        "",
        "ΟΔΟΣ",
        "ΟΔΟΣ.",
        "Σ",
        "İstanbul",
        "J\u030c",
        "\u01f0",
        "ǅ",
        "Straße",
        "ﬁ",
        "a\u2028b",
        "１２",
        "12",
    ),
    *("Σ'", "'Σ", "\u0345Σ", "aΣ\u0301", "\ud800A"),
]


@pytest.mark.parametrize("normalization", ["nfc", "nfkc", "none"])
@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("one_number", [True, False])
@pytest.mark.parametrize("more", [(), ("two\nLines",)])
def test_many_forms_at_once_are_the_words_of_each(normalization, lowercase, one_number, more) -> None:
    """A capital sigma is another small letter at the end of a word, so its neighbours matter."""
    forms = [*ODD_FORMS, *more, *ODD_FORMS]
    found = words_of(forms, lowercase, one_number, normalization)
    assert found == [word_of(form, lowercase, one_number, normalization) for form in forms]
    assert words_of([], lowercase, one_number, normalization) == []


def test_tasks_of_the_same_words_count_them_together() -> None:
    corpus = corpus_of("Aa aa b", "b cc")
    alone = build_vocabulary({"a": Corpus.joined([corpus, corpus])}, VocabularySettings(min_count=3))
    tasks = build_vocabulary({"a": corpus, "b": corpus}, VocabularySettings(min_count=3))
    assert tasks["words"].tokens[2:] == alone["words"].tokens[2:] == ["aa", "b"]
    assert tasks["characters"] == alone["characters"]


def test_all_numbers_may_be_one_word() -> None:
    texts = ["In 1999 , 3.5 % of 1,200", "had -7 or 10:30 or 1/2 or a3 or 4th or 1999"]
    corpus = Corpus.from_instances((Instance(tuple(text.split()), "x") for text in texts), "label")
    numbers = {"1999", "3.5", "1,200", "-7", "10:30", "1/2"}
    merged = build_vocabulary({"task": corpus}, VocabularySettings(one_number=True))
    assert numbers.isdisjoint(merged["words"].tokens) and {"0", "a3", "4th"} <= set(merged["words"].tokens)
    assert merged.word_ids(["2024", "12.5"]).tolist() == [merged["words"].index("0")] * 2
    apart = build_vocabulary({"task": corpus}, VocabularySettings())
    assert numbers <= set(apart["words"].tokens) and "0" not in apart["words"].tokens


def test_one_number_is_kept_in_files(tmp_path: Path) -> None:
    vocabulary = Vocabulary.of(["0"], one_number=True)
    vocabulary.save(tmp_path)
    assert Vocabulary.load(tmp_path) == vocabulary
    assert Vocabulary.load(tmp_path).word_ids(["7"]).tolist() == [2]
