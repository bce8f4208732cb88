import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.data import Instance, Skipped, Tokenizer, Vectors, Vocabulary, VocabularySettings, build_vocabulary
from mtlkit.data.corpus import Corpus
from mtlkit.data.normalization import (
    NormalizingTokenizer,
    normalized,
    normalized_instance,
    normalized_instances,
    normalized_keys,
    normalized_word,
)
from mtlkit.errors import ConfigError

NFC, NFD = "déjà", unicodedata.normalize("NFD", "déjà")


def test_a_form_is_that_of_unicode_and_none_changes_nothing():
    assert normalized(NFD, "nfc") == NFC and normalized(NFD, "nfkc") == NFC and normalized(NFD, "none") == NFD
    assert normalized("Ａ½ ﬁ", "nfkc") == "A1⁄2 fi" and normalized("Ａ½ ﬁ", "nfc") == "Ａ½ ﬁ"


@given(st.text(), st.sampled_from(["nfc", "nfkc", "none"]))
def test_a_word_remains_one_word_and_a_second_time_changes_nothing(word, normalization):
    once = normalized_word(word, normalization)
    assert bool(once) == bool(word) and normalized_word(once, normalization) == once
    if not any(map(str.isspace, word)):
        assert not any(map(str.isspace, once))


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("10\u00a0000", "10000"),
        ("10\u202f000", "10000"),
        ("e\u00b4", "é"),  # the accent with a space of its own
        ("\u00a0", "\u00a0"),  # which would be no word
        ("New York", "New York"),  # with a blank that a file has put there
        ("½", "1⁄2"),
        ("ﷺ", "صلىاللهعليهوسلم"),
    ],
)
def test_under_nfkc_a_word_keeps_no_white_space_that_the_form_puts_there(word, form):
    assert normalized_word(word, "nfkc") == form
    assert normalized_word(word, "nfc") == word


def test_words_tags_and_labels_of_an_instance_are_brought_into_the_form():
    tagged = normalized_instance(Instance(("a", NFD), ("O", f"B-{NFD}")), "nfc")
    assert tagged == Instance(("a", NFC), ("O", f"B-{NFC}"))
    assert normalized_instance(Instance(("a",), NFD), "nfc") == Instance(("a",), NFC)
    same = Instance((NFC, "b"), "x")
    assert normalized_instance(same, "nfc") is same
    skipped = Skipped("empty")
    assert list(normalized_instances([skipped, Instance((NFD,))], "nfc")) == [skipped, Instance((NFC,))]


def test_under_nfkc_tags_still_fit_their_words():
    words, tags = ("10\u00a0000", "½", "\u00a0"), ("B-N", "I-N", "O")
    assert normalized_instance(Instance(words, tags), "nfkc") == Instance(("10000", "1⁄2", "\u00a0"), tags)


@given(st.lists(st.text(min_size=1), min_size=1), st.sampled_from(["nfc", "nfkc"]))
def test_an_instance_is_judged_as_a_whole_as_its_words_are_one_by_one(words, normalization):
    expected = tuple(normalized_word(word, normalization) for word in words)
    assert normalized_instance(Instance(tuple(words)), normalization).words == expected


def test_keys_that_become_equal_need_equal_values():
    assert normalized_keys({NFD: "x", NFC: "x", "b": "y"}, "nfc", "labels") == {NFC: "x", "b": "y"}
    assert normalized_keys({NFD: "x", NFC: "y"}, "none", "labels") == {NFD: "x", NFC: "y"}
    with pytest.raises(ConfigError, match=f"labels: '{NFC}' is there twice, in two spellings .*; remove one"):
        normalized_keys({NFD: "x", NFC: "y"}, "nfc", "labels")


def test_a_tokenizer_is_given_text_in_the_form():
    class Letters(Tokenizer):
        def tokenize(self, text):
            return list(text)

    assert NormalizingTokenizer(Letters(), "nfc").tokenize(NFD) == list(NFC)
    assert NormalizingTokenizer(Letters(), "none").tokenize(NFD) == list(NFD)


def test_of_vectors_whose_words_become_equal_the_first_counts(tmp_path):
    (tmp_path / "v.txt").write_text(f"{NFD} 1 1\n{NFC} 2 2\nb 3 3\n", encoding="utf-8")
    vectors = Vectors.read(tmp_path / "v.txt")
    assert vectors.normalized("none").words == [NFD, NFC, "b"]
    rows, found = vectors.normalized("nfc").rows([NFC, "b"])
    assert rows.tolist() == [0, 2] and found.all()
    corpus = Corpus.from_instances([Instance((NFC,), "x")], "label")
    vocabulary = build_vocabulary({"t": corpus}, VocabularySettings(), vectors.normalized("nfc"), "nfc")
    assert vocabulary["words"].tokens[2:] == [NFC, "b"]


def test_small_letters_are_in_the_form_too(tmp_path):
    """There is no J with a caron in one code point, but there is a small one."""
    corpus = Corpus.from_instances([Instance(("J\u030c", "\u01f0"), "x")], "label")
    vocabulary = build_vocabulary({"t": corpus}, VocabularySettings(), None, "nfc")
    assert vocabulary["words"].tokens[2:] == ["\u01f0"]
    assert vocabulary.word_ids(["J\u030c", "\u01f0"]).tolist() == [2, 2]
    vocabulary.save(tmp_path / "new")
    assert Vocabulary.load(tmp_path / "new") == vocabulary
    before = build_vocabulary({"t": corpus}, VocabularySettings())
    assert sorted(before["words"].tokens[2:]) == ["j\u030c", "\u01f0"]


def test_a_vocabulary_without_the_setting_is_one_of_texts_as_they_were(tmp_path):
    vocabulary = Vocabulary.of(["j\u030c"], labels={"t": ["x"]})
    vocabulary.save(tmp_path)
    file = tmp_path / "vocabulary.json"
    file.write_text(file.read_text().replace('  "normalization": "none",\n', ""))
    assert "normalization" not in file.read_text()
    assert Vocabulary.load(tmp_path).word_ids(["J\u030c", "\u01f0"]).tolist() == [2, 1]
