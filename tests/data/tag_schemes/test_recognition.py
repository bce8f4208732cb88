"""Recognition of tag schemes."""

import random
from collections.abc import Sequence

import pytest

from mtlkit.data import Corpus, Instance, TagScheme, as_iob2, recognise, scheme_of_file, spans, texts_that_violate
from mtlkit.data.tag_schemes.forms import FORMS, Form
from mtlkit.data.tag_schemes.schemes import SchemeName, SchemeSetting
from mtlkit.errors import DataError
from tests.data.tag_schemes.writing import SCHEMES, merged, random_spans, written


def corpus(texts: Sequence[Sequence[str]]) -> Corpus:
    return Corpus.from_instances([Instance(("w",) * len(tags), tuple(tags)) for tags in texts], "tags")


def of_lines(*lines: str) -> Corpus:
    return corpus([line.split() for line in lines])


def tags_of(data: Corpus) -> list[str]:
    return [" ".join(data.target(place) or ()) for place in range(len(data))]


def in_form(tag: str, form: Form) -> str:
    """A tag such as `B-PER` in another form."""
    letter, _, kind = tag.partition("-")
    letter = letter.lower() if "b" in form else letter
    if not kind or len(form) == 1:
        return letter
    return f"{kind}{form[1]}{letter}" if form[0] == "x" else f"{letter}{form[1]}{kind}"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("form", FORMS)
def test_a_scheme_is_recognised_in_every_form_and_its_spans_are_kept(scheme: SchemeName, form: Form) -> None:
    generator = random.Random(f"{scheme} {form}")
    kinds = ["PER"] if len(form) == 1 else ["PER", "LOC"]
    sizes = [generator.randint(2, 12) for _ in range(100)]
    found = [random_spans(generator, size, kinds) for size in sizes]
    texts = [
        [in_form(tag, form) for tag in written(each, size, scheme)] for each, size in zip(found, sizes, strict=True)
    ]
    data = corpus(texts)
    assert recognise(data) == TagScheme(scheme, form)
    assert not len(texts_that_violate(data, TagScheme(scheme, form)))
    house = as_iob2(data, recognise(data))
    for place, expected in enumerate(found):
        known = merged(expected) if scheme == "io" else expected
        if len(form) == 1:
            known = [("", start, end) for _, start, end in known]
        tags = house.target(place)
        assert tags is not None and spans(tags) == known
        assert {tag.partition("-")[0] for tag in tags} <= {"B", "I", "O", "o"}
    assert house.digests is data.digests and house.tokens is data.tokens


@pytest.mark.parametrize("form", ["B-x", "B"])
def test_tags_that_are_iob2_already_are_left_untouched(form: Form) -> None:
    data = of_lines("B-A I-A O") if form == "B-x" else of_lines("B I O")
    assert as_iob2(data, recognise(data)) is data


@pytest.mark.parametrize(
    "line",
    [
        "DT -LRB- NN PRP$ VBZ . , `` NNP -RRB- ''",
        "NOUN VERB B-x",  # an accident: one label that looks like a mark
        "NOUN-S VERB-P ADJ-S",
        "N V A S I M X",  # parts of speech of one letter, some of which are letters of schemes
        "+ - o +",
        "_ _ NOUN",
        "-LRB- ( ) NN",
        "O COMMA PERIOD QUESTION",  # as in restoring punctuation
        "IN-STATE START-UP",
        "B-ADV C-NP",  # one label with B in front
        "O O O",
    ],
)
def test_labels_of_words_are_not_taken_for_spans(line: str) -> None:
    data = of_lines(line)
    assert recognise(data) == TagScheme("none")
    assert as_iob2(data, TagScheme("none")) is data


@pytest.mark.parametrize("line", ["O _ B-A I-A", "0 B-A I-A", "-X- O B-A", "- S-A B-A E-A"])
def test_other_marks_for_outside_are_known(line: str) -> None:
    assert recognise(of_lines(line)).marks_spans


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("B-PER I-PER O MISC", "some tags mark spans, such as 'B-PER', and others do not, such as 'MISC'"),
        ("B-PER OUT B-LOC", "some tags mark spans, such as 'B-PER', and others do not, such as 'OUT'"),
        ("B-per i-per i-loc O", "some tags mark spans, such as 'i-per', and others do not, such as 'B-per'"),
        ("B-PER I_PER O", "some tags mark spans, such as 'B-PER', and others do not, such as 'I_PER'"),
        ("S-B S-I O", "the tags, such as 'S-B', may be IOBES in the form B-x or IOB2 in the form x-B"),
        ("N-S V-S", "may mark spans in the scheme IOBES, or be labels of words"),
        ("B-A I-A L-A S-A O", "the letters B, I, L, S of the tags are of no one scheme"),
        ("B-A O I-A O " * 20, "no scheme fits the tags: 40 spans violate IOB2 20 times and IOB1 20 times"),
        ("B-A O " * 20 + "B-A E-A", "no scheme fits the tags: 21 spans violate IOBES 20 times"),
    ],
)
def test_what_cannot_be_told_is_refused_and_each_remedy_works(line: str, said: str) -> None:
    data = of_lines(line)
    with pytest.raises(DataError) as error:
        recognise(data)
    assert said in str(error.value)
    names = [name for name in SchemeName.__args__ if f"'{name}'" in str(error.value).partition("; ")[2]]
    assert "none" in names
    for name in names:
        assert recognise(data, name).name == name


@pytest.mark.parametrize(
    "line",
    [
        "(A0* *) (V*)",  # CoNLL-2005
        "(PERSON) * (GPE* *)",  # CoNLL-2012
        "(12) - (3 3)",
        "(A0*(V*) *)",
        "BEGIN-PER INSIDE-PER O BEGIN-LOC",
        "PER-start PER-cont O",
        "PER_Start PER_Inside LOC_Start O",
        "BPER IPER O BLOC",
        "B(PER) I(PER) O",
        "B#PER I#PER O",
        "B\u2013PER I\u2013PER O",
        "B- I- O",
        "PERB PERI O",
        '"B-PER" "O"',
        "B-PER, O,",
        "[B-PER] [O]",
        "Seg=B-conn Seg=I-conn Seg=O",  # DISRPT
        "B-PER|B-ORG O|O O|B-ORG",
        "O+O O+I-PER",
    ],
)
def test_spans_in_a_notation_that_is_not_read_are_refused_and_each_remedy_works(line: str) -> None:
    data = of_lines(line)
    with pytest.raises(DataError, match="seem to mark spans in a notation that is not read; write them as B-x and I-x"):
        recognise(data)
    assert recognise(data, "none") == TagScheme("none")


def test_a_few_strays_do_not_change_the_scheme() -> None:
    noisy = ["B-A I-A O B-B"] * 999 + ["O I-A O"]
    assert recognise(of_lines(*noisy)) == TagScheme("iob2")
    assert texts_that_violate(of_lines(*noisy), TagScheme("iob2")).tolist() == [999]
    noisy = ["I-A I-A O I-B"] * 999 + ["O B-A O"]
    assert recognise(of_lines(*noisy)) == TagScheme("iob1")
    assert texts_that_violate(of_lines(*noisy), TagScheme("iob1")).tolist() == [999]


def test_violations_lose_no_span() -> None:
    data = of_lines("B-A O S-B I-B E-A I-A")
    assert tags_of(as_iob2(data, TagScheme("iobes"))) == ["B-A O B-B B-B B-A B-A"]


def test_missing_tags_are_outside_and_stay_missing() -> None:
    data = Corpus.from_instances([Instance(("a", "b"), ("S-A", "O")), Instance(("a", "b"))], "tags")
    house = as_iob2(data, TagScheme("iobes"))
    assert [house.target(0), house.target(1)] == [("B-A", "O"), None]


def test_labels_of_texts_have_no_scheme() -> None:
    data = Corpus.from_instances([Instance(("a",), "B-A"), Instance(("a",), "I-A")], "label")
    assert recognise(data) == TagScheme("none") and not len(texts_that_violate(data, TagScheme("iob2")))


@pytest.mark.parametrize(
    ("setting", "lines", "expected"),
    [
        ("iob2", ["B-A MISC I-A"], "B-A MISC I-A"),
        ("iob1", ["I-A B-A O X"], "B-A B-A O X"),
        ("iobes", ["S-B E-B O"], "B-B B-B O"),
        ("bioul", ["U-A B-A L-A"], "B-A B-A I-A"),
        ("io", ["I-A I-A O"], "B-A I-A O"),
        ("iob2", ["S-B S-I O"], "B-S I-S O"),  # the letter is last: S is not a letter of IOB2
    ],
)
def test_a_setting_decides(setting: SchemeSetting, lines: list[str], expected: str) -> None:
    data = of_lines(*lines)
    assert tags_of(as_iob2(data, recognise(data, setting))) == [expected]


def test_under_the_setting_none_tags_mark_no_spans() -> None:
    assert recognise(of_lines("B-A I-A O"), "none") == TagScheme("none")


@pytest.mark.parametrize(
    ("setting", "line", "said"),
    [
        ("iob2", "B-A S-A", "the tag 'S-A' is not one of the scheme IOB2"),
        ("iob2", "B-A S", "the tag 'S' is not one of the scheme IOB2"),
        ("iob2", "DET NOUN", "no tag is one of the scheme IOB2, as 'DET' is not"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused(setting: SchemeSetting, line: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        recognise(of_lines(line), setting)


IOBES = "B-A E-A O S-B B-B I-B E-B"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("O S-B", TagScheme("iobes")),
        ("O O", TagScheme("iobes")),
        ("B-A I-A O B-B", TagScheme("iob2")),
        ("A-B A-I O B-B", TagScheme("iob2", "x-B")),
        ("B-A L-A U-A O", TagScheme("bilou")),
    ],
)
def test_a_file_that_does_not_fit_the_training_data_is_recognised_by_itself(line: str, expected: TagScheme) -> None:
    trained = recognise(of_lines(IOBES))
    assert scheme_of_file(of_lines(line), trained, "auto") == expected


def test_a_file_without_spans_is_refused_where_the_training_data_have_some() -> None:
    with pytest.raises(DataError, match="as 'DET' does not, and the tags of the training data are IOBES"):
        scheme_of_file(of_lines("DET NOUN"), recognise(of_lines(IOBES)), "auto")
