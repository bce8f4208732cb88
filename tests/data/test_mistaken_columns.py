import numpy as np
import pytest

from mtlkit.data import Corpus, Instance
from mtlkit.data.mistaken_columns import is_header, mistaken_columns, odd_columns, odd_first_text, quoted_texts

TEXTS = [("pos" if number % 3 else "neg", f"the film of day {number} was fine") for number in range(30)]


def corpus(*texts):
    return Corpus.from_instances((Instance(tuple(text.split()), label) for label, text in texts), "label")


def test_labels_and_texts_are_taken_for_such():
    assert mistaken_columns(corpus(*TEXTS)) is None
    assert odd_first_text(corpus(*TEXTS)) is None
    assert quoted_texts(corpus(*TEXTS)) == 0


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("label", "text"),
        ("Label", "Text"),
        ("sentence", "label"),
        ("id", "label text"),
        ("sentiment_label", "reviewText"),
        ('"class"', '"Review Text"'),
        ("#topic", "sentence1 sentence2"),
    ],
)
def test_names_of_columns_are_a_header_row_however_often(label, text):
    assert is_header(label, text.split())
    what, remedy = mistaken_columns(corpus((label, text), *TEXTS, (label, "a film")))
    assert what.startswith(f"text 1, '{text}' with label '{label}', looks like a header row")
    assert remedy == "remove it"


@pytest.mark.parametrize(
    ("label", "text"),
    [("pos", "text"), ("text", "the text"), ("title", "text"), ("spam", "free text"), ("1", "0"), ("class", "class")],
)
def test_other_first_lines_are_no_header_row(label, text):
    assert not is_header(label, text.split())
    assert mistaken_columns(corpus((label, text), (label, "a film"), *TEXTS)) is None


def test_one_name_of_a_column_is_enough_where_no_other_text_has_the_label():
    what, _ = mistaken_columns(corpus(("airline_sentiment", "text"), *TEXTS))
    assert "looks like a header row" in what


def test_a_first_text_of_one_word_with_a_label_of_its_own_is_odd():
    assert odd_first_text(corpus(("klasse", "tekst"), *TEXTS)) == "label 'klasse', text 'tekst'"
    assert mistaken_columns(corpus(("klasse", "tekst"), *TEXTS)) is None
    assert odd_first_text(corpus(("klasse", "tekst"), *TEXTS, ("rare", "a film"))) is None
    assert odd_first_text(corpus(("klasse", "tekst"), *TEXTS[:5])) is None


def test_label_and_text_in_each_others_place_are_found():
    what, remedy = mistaken_columns(corpus(*((text, label) for label, text in TEXTS)))
    assert what == (
        "has 30 labels, such as 'the film of day 0 was fine', for 2 different texts, as if label and text had changed "
        "places"
    )
    assert remedy == "exchange them"
    repeated = [(text, label) for label, text in TEXTS[:10]] * 5
    assert "changed places" in mistaken_columns(corpus(*repeated))[0]


def test_ids_before_the_labels_are_found():
    what, remedy = mistaken_columns(corpus(*((f"{n}", f"{label} {text}") for n, (label, text) in enumerate(TEXTS))))
    assert (what, remedy) == (
        "labels such as '0' look like ids, and first words of texts like labels",
        "remove the ids",
    )


def test_a_label_for_each_of_many_texts_is_found():
    own = [(f"label{number}", f"{number} {text}") for number, (_, text) in enumerate(TEXTS)]
    assert mistaken_columns(corpus(*own))[0] == "each of the 30 texts has a label of its own, such as 'label0'"
    starting_alike = [(f"label{number}", f"{number % 21} {number}") for number in range(90)]
    assert "has a label of its own" in mistaken_columns(corpus(*starting_alike))[0]
    assert mistaken_columns(corpus(*own[:19])) is None
    what, _ = mistaken_columns(corpus(*own, ("label0", "another")))
    assert what == "has 30 labels, such as 'label0', for 31 texts"
    assert mistaken_columns(corpus(*own), are_known=True) is None  # as in a test file with a text of each label
    twice = corpus(*own, *own[:6])
    assert mistaken_columns(twice) is None
    assert odd_columns(twice).startswith("has 30 labels, such as 'label0', for 36 texts; ")


def test_many_labels_are_fine_where_texts_share_them():
    assert mistaken_columns(corpus(*((f"intent {number % 15}", f"{number} {number}") for number in range(30)))) is None


def test_tags_and_missing_targets_are_no_labels():
    tagged = Corpus.from_instances([Instance(("text",), ("label",))] * 30, "tags")
    assert mistaken_columns(tagged) is None
    assert mistaken_columns(Corpus.from_instances([Instance(("text",))] * 30, "label")) is None


def test_tags_read_as_words_are_found_in_every_reader():
    def tagged(words, tags):
        return Corpus.from_instances([Instance(tuple(words.split()), tuple(tags.split()))], "tags")

    for words in ("B-PER O I-PER", "PER-B O PER-I", "_ S_LOC S_LOC"):
        what, remedy = mistaken_columns(tagged(words, "Ann saw Bo"))
        assert "looks like a tag, such as " in what and remedy == "exchange them"
    assert mistaken_columns(tagged("B-PER saw Bo", "B-PER O O")) is None
    assert mistaken_columns(tagged("B-PER O O", "S-PER O O")) is None
    assert mistaken_columns(tagged("O O", "NOUN VERB")) is None


def test_quotes_of_csv_are_counted():
    wrapped = [(label, f'"{text}"') for label, text in TEXTS]
    assert quoted_texts(corpus(*wrapped)) == 30
    assert quoted_texts(corpus(*TEXTS, ("pos", '"He said ""fine"" and left"'))) == 1
    assert quoted_texts(corpus(*TEXTS, ("pos", '"fine" and "dull"'), ("pos", '"never closed'), ("pos", '"'))) == 0


def test_places_are_those_in_the_file():
    shifted = corpus(("label", "text"), *TEXTS)
    object.__setattr__(shifted, "places", shifted.places + np.int32(2))
    assert mistaken_columns(shifted)[0].startswith("text 3, ")


def test_a_header_row_inside_a_file_is_found():
    what, remedy = mistaken_columns(corpus(*TEXTS[:10], ("label", "text"), *TEXTS, ("label", "text")))
    assert what == "text 11, 'text' with label 'label', looks like a header row, as where files were joined"
    assert remedy == "remove it"
    assert mistaken_columns(corpus(*TEXTS[:10], ("label", "text of a song"), *TEXTS)) is None
    assert mistaken_columns(corpus(*TEXTS[:10], ("label", "text"), ("label", "good"), *TEXTS)) is None
    assert mistaken_columns(corpus(*TEXTS, *[("label", "text")] * 5)) is None  # too many for headers


def test_a_few_labels_that_are_longer_than_their_texts_have_changed_places_with_them():
    what, _ = mistaken_columns(corpus(*((text, label) for label, text in TEXTS[:5])))
    assert what.startswith("has 5 labels, such as 'the film of day 0 was fine', for 2 different texts, as if")
    what, _ = mistaken_columns(corpus(*((text, f"label{number % 8}") for number, (_, text) in enumerate(TEXTS))))
    assert what.endswith("for 8 different texts, as if label and text had changed places")
    assert mistaken_columns(corpus(*((text, label) for label, text in TEXTS[:4]))) is None
    graded = [("Not Relevant", "a film"), ("Highly Relevant", "b film"), ("Not Relevant", "c film")]
    assert mistaken_columns(corpus(*graded * 2)) is None


def test_ids_that_are_repeated_are_found_before_labels():
    rows = [(f"{number // 3}", f"{label} {text}") for number, (label, text) in enumerate(TEXTS)]
    what, _ = mistaken_columns(corpus(*rows))
    assert what == "labels such as '0' look like ids, and first words of texts like labels"
    ratings = [(f"{number % 5}", f"{label} {text}") for number, (label, text) in enumerate(TEXTS)]
    assert mistaken_columns(corpus(*ratings)) is None


def test_numbers_before_all_texts_are_reported():
    numbered = corpus(*((label, f"{number} {text}") for number, (label, text) in enumerate(TEXTS)))
    assert mistaken_columns(numbered) is None
    assert odd_columns(numbered) == (
        "each text begins with a number, such as '0'; remove it from the file if it is an id or a label"
    )
    assert odd_columns(corpus(*TEXTS)) is None
    assert odd_columns(corpus(*((label, f"{text[4]}{text}") for label, text in TEXTS))) is None
