import pytest

from mtlkit.data.look_alikes import difference, look_alikes, seen, shown, written_alike


@pytest.mark.parametrize(
    ("label", "other", "by"),
    [
        ("pos", "pos ", "white space"),
        ("pos", "\u00a0pos", "white space"),
        ("very pos", "very\u00a0pos", "white space"),
        ("very pos", "very  pos", "white space"),
        ("pos", "\ufeffpos", "invisible characters"),
        ("pos", "po\u200bs", "invisible characters"),
        ("pos", "pos\u200d", "invisible characters"),
        ("pos", "pos\u00ad", "invisible characters"),
        ("pos", "pos\u200b ", "white space and invisible characters"),
        ("\u263a", "\u263a\ufe0f", "invisible characters"),
        ("caf\u00e9", "cafe\u0301", "Unicode normal form"),
        ("fine", "\ufb01ne", "Unicode normal form"),
        ("pos", "\uff50\uff4f\uff53", "Unicode normal form"),
        ("pos", '"pos"', "quotes around them"),
        ("non-fiction", "non\u2011fiction", "the kind of dashes or apostrophes"),
        ("pos", "p\u043es", "letters of another alphabet"),
        ("pos", "Pos", "letter case"),
        ("stra\u00dfe", "STRASSE", "letter case"),
        ("pos", "POS ", "white space and letter case"),
        ("\u0130yi", "iyi", "letter case"),  # as Turkish has it
        ("SINIF", "s\u0131n\u0131f", "letter case"),
    ],
)
def test_labels_that_look_the_same_are_found_and_what_they_differ_in(label, other, by):
    assert look_alikes(["neg", label, other, label]) == [[label, other]]
    assert difference([label, other]) == by


@pytest.mark.parametrize(
    "labels",
    [
        ["pos", "neg"],
        ["very pos", "verypos"],
        ["1", "10"],
        ["B-PER", "I-PER"],
        ["-", "\u2013", "\u2014"],  # tags that are the sign itself
        ["''", '"', "``", "'"],
        ["...", "\u2026"],
        ["$,", "$.", "$("],
        ["\u043d\u0435\u0442", "\u0434\u0430"],
    ],
)
def test_other_labels_do_not_look_the_same(labels):
    assert look_alikes(labels) == []


def test_all_labels_that_look_the_same_are_one_group():
    assert look_alikes(["Pos", "neg", "pos", "pos ", "NEG", "so-so"]) == [["Pos", "pos", "pos "], ["neg", "NEG"]]
    assert difference(["Pos", "pos", "pos "]) == "white space and letter case"


def test_what_differs_is_shown():
    labels = ["pos", "pos ", "pos\u00a0", "\ufeffpos", "caf\u00e9", "cafe\u0301", "fine", "\ufb01ne", "p\u043es"]
    assert len({shown(label) for label in labels}) == len(labels)
    assert (shown("pos\u00a0"), shown("\ufeffpos"), shown("cafe\u0301")) == (
        r"'pos\xa0'",
        r"'\ufeffpos'",
        r"'cafe\u0301'",
    )
    assert (shown("p\u043es"), shown("a\u2013b")) == (r"'p\u043es'", r"'a\u2013b'")
    assert shown("\u043d\u0435\u0442 ") == "'\u043d\u0435\u0442 '"


def test_what_is_seen_of_a_label():
    assert [seen(label) for label in (" \ufeffpos ", "\u200b", "very  pos")] == ["pos", "", "very pos"]


def test_signs_that_look_the_same_may_be_different_tags_but_not_different_labels_of_texts():
    assert look_alikes(["-", "\u2212", "+"]) == []
    assert look_alikes(["-", "\u2212", "+"], of_texts=True) == [["-", "\u2212"]]
    assert difference(["-", "\u2212"], of_texts=True) == "the kind of dashes or apostrophes"


@pytest.mark.parametrize(
    ("labels", "groups"),
    [
        (["very_good", "very-good", "Very good", "bad"], [["very_good", "very-good", "Very good"]]),
        (["pos", "pos.", "neg"], [["pos", "pos."]]),
        (["1", "0", "1.0", "01"], [["1", "1.0", "01"]]),
        (["1", "-1", "10", "1.5", "15"], []),
        (["1.2.3", "12.3", "2-1", "21"], []),
        (["C", "C++", "C#"], []),
        (["pos", "Pos"], []),  # these look the same
    ],
)
def test_labels_that_may_be_meant_to_be_one(labels, groups):
    assert written_alike(labels) == groups
