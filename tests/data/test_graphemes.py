"""The default of the `regex` tokenizer in all scripts."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.data import RegexTokenizer
from mtlkit.data.graphemes import needs_clusters, words_and_clusters
from mtlkit.data.tokenizers import WORDS_AND_MARKS

OLD = RegexTokenizer(WORDS_AND_MARKS)
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
MARKS = st.sampled_from("\u0301\u0327\u093f\u094d\u0650\u05b8\u200c\u200d\ufe0f\u20e3\U0001f3fd")
TEXTS = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        MARKS,
        st.sampled_from("aé1!.'’ #❤👩🇩🇪\u200b"),
        st.characters(min_codepoint=0x600, max_codepoint=0x1100),
    )
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("अच्छी फिल्म।", ["अच्छी", "फिल्म", "।"]),
        ("க்ஷ தமிழ் நல்ல", ["க்ஷ", "தமிழ்", "நல்ல"]),
        ("ক্ষুধা ভালো", ["ক্ষুধা", "ভালো"]),
        ("می‌خواهم، نمی‌شود", ["می‌خواهم", "،", "نمی‌شود"]),
        ("مُحَمَّدٌ كِتَاب", ["مُحَمَّدٌ", "كِتَاب"]),
        ("שָׁלוֹם עוֹלָם!", ["שָׁלוֹם", "עוֹלָם", "!"]),
        ("한국어 영화", ["한국어", "영화"]),
        ("བོད་སྐད", ["བོད", "་", "སྐད"]),
        ("Tiếng Việt, Ελληνικά ἀγαθός", ["Tiếng", "Việt", ",", "Ελληνικά", "ἀγαθός"]),
        ("J̌ x̂’s", ["J̌", "x̂’s"]),
        ("Donau\u00addampf wort\u2060teil", ["Donau\u00addampf", "wort\u2060teil"]),
        ("👨‍👩‍👧 👩‍❤️‍💋‍👨🏳️‍🌈", ["👨‍👩‍👧", "👩‍❤️‍💋‍👨", "🏳️‍🌈"]),
        ("👍🏽👍🏽👍🏿", ["👍🏽👍🏽", "👍🏿"]),
        (f"🇩🇪🇫🇷🇫🇷 {SCOTLAND}!", ["🇩🇪", "🇫🇷🇫🇷", SCOTLAND, "!"]),
        ("1️⃣2️⃣ #️⃣ *️⃣ #tag", ["1️⃣", "2️⃣", "#️⃣", "*️⃣", "#tag"]),
        ("so ❤️❤️!!! ™️ ℹ️", ["so", "❤️❤️", "!!!", "™️", "ℹ️"]),
        ("!!\u0308!", ["!", "!\u0308", "!"]),
        ("#अच्छी @फिल्म #電影", ["#अच्छी", "@फिल्म", "#電影"]),
        ("1,000.50 ३.१४ :) a:) http://अ.भारत/ि x", ["1,000.50", "३.१४", ":)", "a", ":)", "http://अ.भारत/ि", "x"]),
        # Scripts without spaces: single characters with what belongs to them.
        ("2024年の映画 カタカナ", ["2024", "年", "の", "映", "画", "カタカナ"]),
        ("か\u3099く葛\U000e0100飾", ["か\u3099", "く", "葛\U000e0100", "飾"]),
        ("หนังน้ำดี", ["ห", "นั", "ง", "น้ำ", "ดี"]),
        ("ພາສາລາວ ນໍ້າ ຄຳ", ["ພ", "າ", "ສ", "າ", "ລ", "າ", "ວ", "ນໍ້", "າ", "ຄຳ"]),
        ("ខ្មែរ ស្ត្រី", ["ខ្មែ", "រ", "ស្ត្រី"]),
        ("မြန်မာ သတ္တ\u200bပိဋက", ["မြ", "န်", "မာ", "သ", "တ္တ", "ပိ", "ဋ", "က"]),
        # Without anything before them, marks are a word of their own.
        ("\u0301\u0302a \u200d b", ["\u0301\u0302", "a", "\u200d", "b"]),
        ("\u200b \u0085", []),
    ],
)
def test_what_belongs_together_stays_together(text, words):
    assert RegexTokenizer().tokenize(text) == words


@given(TEXTS)
def test_only_white_space_is_lost(text):
    words = RegexTokenizer().tokenize(text)
    assert "".join(words) == re.sub(r"[\s\u200b]", "", text) and "" not in words


@given(TEXTS)
def test_a_mark_or_a_joiner_begins_a_word_only_after_white_space(text):
    place = 0
    for word in RegexTokenizer().tokenize(text):
        start = text.index(word, place)
        if unicodedata.category(word[0])[0] == "M" or word[0] in "\u200c\u200d":
            assert start == 0 or re.fullmatch(r"[\s\u200b]", text[start - 1])
        place = start + len(word)


@given(st.text(st.sampled_from("aeoD1éậǰJ한글ά̸̣́̌ !?.'’:;=8<3)#@_क्षि")))
def test_it_does_not_matter_whether_texts_are_normalised_before_or_after(text):
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    words = [unicodedata.normalize("NFC", word) for word in RegexTokenizer().tokenize(decomposed)]
    assert words == RegexTokenizer().tokenize(composed)


@given(st.one_of(st.text(), st.text(st.characters(max_codepoint=0x24F)), st.from_regex(WORDS_AND_MARKS)))
def test_texts_without_such_characters_have_the_words_that_they_had(text):
    if not any(
        unicodedata.category(each) in ("Mn", "Mc", "Me", "Cn", "Co", "Cs") for each in text
    ) and not needs_clusters(text):
        assert RegexTokenizer().tokenize(text) == OLD.tokenize(text) == words_and_clusters(text)


def test_ascii_has_the_words_that_it_had():
    for first in map(chr, range(128)):
        for second in map(chr, range(128)):
            text = f"a{first}{second}1{second}{first} :{first}"
            assert words_and_clusters(text) == OLD.tokenize(text) == RegexTokenizer().tokenize(text)


def test_every_character_by_itself_and_between_letters_has_the_words_that_it_had():
    skipped = re.compile("[\u00ad\u200b-\u200d\u2060\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
    differ = []
    for code in range(0x110000):
        character = chr(code)
        # Those of no category came into Unicode after the tables of this Python.
        if unicodedata.category(character) in ("Mn", "Mc", "Me", "Cn", "Co", "Cs") or skipped.match(character):
            continue
        text = f"a{character}b {character}{character}"
        if words_and_clusters(text) != OLD.tokenize(text):
            differ.append(unicodedata.name(character).split()[0])
    han = {"CJK", "IDEOGRAPHIC", "HANGZHOU", "VERTICAL", "OLD"}  # such as the iteration mark of Old Chinese
    unspaced = {*han, "HIRAGANA", "HENTAIGANA", "THAI", "LAO", "KHMER", "MYANMAR", "TAI", "NEW", "AHOM"}
    assert set(differ) <= unspaced


def test_a_pattern_of_ones_own_is_one_of_pythons_re_and_is_used_as_it_is():
    assert RegexTokenizer(r"\w+").tokenize("अच्छी फिल्म") == re.findall(r"\w+", "अच्छी फिल्म")
    assert OLD.tokenize("अच्छी") == ["अच", "्", "छ", "ी"]
