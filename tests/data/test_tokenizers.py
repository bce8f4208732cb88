import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mtlkit.config import Lazy
from mtlkit.data import RegexTokenizer, SpacyTokenizer, WhitespaceTokenizer
from mtlkit.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I don't like it...", ["I", "don't", "like", "it", "..."]),
        ("GREAT!!! (really)", ["GREAT", "!!!", "(", "really", ")"]),
        ("so happy :) <3 ;-(", ["so", "happy", ":)", "<3", ";-("]),
        ("a:b is no face, nor is x=Data", ["a", ":", "b", "is", "no", "face", ",", "nor", "is", "x", "=", "Data"]),
        ("it cost 1,299.50 in 2004, OK?", ["it", "cost", "1,299.50", "in", "2004", ",", "OK", "?"]),
        ("@you see https://a.org/b?c #fun", ["@you", "see", "https://a.org/b?c", "#fun"]),
        ("21st co-writer’s «idée»", ["21st", "co", "-", "writer’s", "«", "idée", "»"]),
        (" \u2028\x85 ", []),
    ],
)
def test_the_default_pattern(text, words):
    assert RegexTokenizer().tokenize(text) == words


@given(st.text())
def test_the_default_pattern_loses_only_white_space(text):
    words = RegexTokenizer().tokenize(text)
    assert "".join(words) == "".join(text.split()) and "" not in words


def test_an_own_pattern_may_have_groups_and_match_nothing():
    assert RegexTokenizer(r"(a)|(b)*").tokenize("a-bb") == ["a", "bb"]


def test_a_pattern_that_is_none_is_found_before_anything_is_built():
    with pytest.raises(ValidationError, match="is not a regular expression"):
        Lazy.of(RegexTokenizer, pattern="(")


def test_white_space():
    assert WhitespaceTokenizer().tokenize(" a  b,c\td\n") == ["a", "b,c", "d"]


def test_spacy_cuts_contractions():
    pytest.importorskip("spacy", reason="spaCy is not installed")
    assert SpacyTokenizer().tokenize("I don't  know.") == ["I", "do", "n't", "know", "."]
    with pytest.raises(ConfigError, match="no language 'klingon'"):
        SpacyTokenizer("klingon")


def test_a_missing_spacy_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(ConfigError, match=r"pip install 'mtlkit\[spacy\]'"):
        SpacyTokenizer()
