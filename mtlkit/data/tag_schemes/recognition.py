"""Recognition of a task's tag scheme from its tags."""

from collections.abc import Iterable, Sequence

from mtlkit.data.corpus import Corpus
from mtlkit.data.tag_schemes.conversion import SpanWords
from mtlkit.data.tag_schemes.forms import FORMS, HOUSE_FORM, OUTSIDE_MARKS, Form, Mark, mark_of, role_of
from mtlkit.data.tag_schemes.other_notations import spans_in_other_notation
from mtlkit.data.tag_schemes.schemes import LETTERS, NO_SPANS, RECOGNISED, SchemeName, SchemeSetting, TagScheme
from mtlkit.errors import DataError

NOISE = 0.1
"""The share of spans that may violate a scheme that is recognised all the same: annotators make mistakes."""
FEW = 10
"""So many violations are needed before a scheme is in doubt, since in a handful of spans a share says nothing."""


def recognise(corpus: Corpus, setting: SchemeSetting = "auto") -> TagScheme:
    """Returns the scheme and the form of a corpus's tags.

    A scheme is recognised by the letters of its tags and by how its spans begin and end: the scheme that the fewest
    spans violate, if these are no more than a tenth of them (or fewer than ten). IOB1, for example, is IOB2's letters
    where spans begin with `I-`. With a `setting` other than `auto`, only the form is recognised.

    Raises:
        DataError: the tags can be read in more than one way, or in none, or not in the given scheme. The message is a
            sentence without a place.
    """
    labels = list(corpus.label_counts())
    if corpus.target_kind != "tags" or setting == "none":
        return NO_SPANS
    return _recognised(corpus, labels) if setting == "auto" else _given(corpus, labels, setting)


def scheme_of_file(corpus: Corpus, trained: TagScheme, setting: SchemeSetting) -> TagScheme:
    """Returns the scheme of a file of a task whose model is trained on another file.

    It is the trained one if the file fits it. Otherwise it is recognised from the file.

    Args:
        corpus: the tags of the file.
        trained: the scheme of the training data.
        setting: the setting of the task's reader.

    Raises:
        DataError: as `recognise`.
    """
    if corpus.target_kind != "tags" or not trained.marks_spans:
        return NO_SPANS
    inside = [label for label in corpus.label_counts() if label not in OUTSIDE_MARKS]
    marks = [mark_of(label, trained.form) for label in inside]
    if setting == "auto" and all(mark is not None and mark.letter in trained.letters for mark in marks):
        words = SpanWords.of(corpus, trained.form)
        if words.violations(trained).sum() <= NOISE * words.num_spans:
            return trained
    scheme = recognise(corpus, setting)
    if not scheme.marks_spans:
        raise DataError(
            f"no tag marks a span, as '{inside[0]}' does not, and the tags of the training data are {trained.title}; "
            "give a file with such tags"
        )
    return scheme


def _recognised(corpus: Corpus, labels: Sequence[str]) -> TagScheme:
    inside = [label for label in labels if label not in OUTSIDE_MARKS]
    marked = {form: [mark for label in inside if (mark := mark_of(label, form)) is not None] for form in FORMS}
    best = max(FORMS, key=lambda form: len(marked[form]))  # the first of several
    if not marked[best]:
        return _no_spans(labels)
    whole = [form for form in FORMS if inside and len(marked[form]) == len(inside)]
    if not whole:
        return _some_marked(inside, marked[best], best, corpus)
    found = [scheme for form in whole if (scheme := _best_scheme(corpus, form, marked[form])) is not None]
    if not found:
        raise DataError(_in_doubt(corpus, whole[0], marked[whole[0]]))
    first = found[0]
    is_usual = first.form == HOUSE_FORM and _letters(marked[first.form]) <= set("BI")
    if len(found) > 1 and not is_usual:
        readings = " or ".join(f"{scheme.title} in the form {scheme.form}" for scheme in found)
        raise DataError(
            f"the tags, such as '{inside[0]}', may be {readings}; {_remedy(*(each.name for each in found))}"
        )
    if not (is_usual or len(inside) < len(labels) or _shares_a_type(marked[first.form])):
        raise DataError(
            f"the tags, such as '{inside[0]}', may mark spans in the scheme {first.title}, or be labels of words; "
            f"{_remedy(first.name)}"
        )
    return first


def _best_scheme(corpus: Corpus, form: Form, marks: Sequence[Mark]) -> TagScheme | None:
    """The scheme with these letters that the fewest spans violate, the first of several; None if they are too many."""
    words = SpanWords.of(corpus, form)
    violations = _violations(words, form, marks)
    name = min(violations, key=lambda each: violations[each], default=None)
    if name is None or (violations[name] >= FEW and violations[name] > NOISE * words.num_spans):
        return None
    return TagScheme(name, form)


def _violations(words: SpanWords, form: Form, marks: Sequence[Mark]) -> dict[SchemeName, int]:
    """How many words violate each of the schemes that have the letters of these marks."""
    letters = _letters(marks)
    fitting = [name for name in RECOGNISED if letters <= set(LETTERS[name])]
    return {name: int(words.violations(TagScheme(name, form)).sum()) for name in fitting}


def _in_doubt(corpus: Corpus, form: Form, marks: Sequence[Mark]) -> str:
    """The message about tags that no scheme fits well."""
    words = SpanWords.of(corpus, form)
    violations = sorted(_violations(words, form, marks).items(), key=lambda item: item[1])[:2]
    if not violations:
        letters = ", ".join(sorted(_letters(marks)))
        return f"the letters {letters} of the tags are of no one scheme; mend the tags, or {_remedy()}"
    counts = " and ".join(f"{TagScheme(name).title} {count:,} times" for name, count in violations)
    remedy = _remedy(*(name for name, _ in violations))
    return f"no scheme fits the tags: {words.num_spans:,} spans violate {counts}; {remedy}"


def _some_marked(labels: Sequence[str], marks: Sequence[Mark], form: Form, corpus: Corpus) -> TagScheme:
    """What tags are of which only some look like marks of spans.

    It may be an accident of a single label, such as a part of speech named `X-S`. It is none if words outside of spans
    are marked by `O`, if one type has two letters, such as `B-PER` and `I-PER`, or if several types have B in front.
    """
    several_begin = form[0] in "Bb" and sum(mark.letter == "B" for mark in marks) > 1
    is_meant = {"O", "o"} & corpus.label_counts().keys() or _shares_a_type(marks) or several_begin
    if len(form) == 1 or not is_meant:
        return _no_spans(list(corpus.label_counts()))
    marked = next(label for label in labels if mark_of(label, form) is not None)
    other = next(label for label in labels if mark_of(label, form) is None)
    scheme = _best_scheme(corpus, form, marks)
    can_be_set = scheme is not None and _can_be_given(corpus, labels, scheme.name)
    as_outside = f"'{scheme.name}', which takes others for outside of spans, or to " if scheme and can_be_set else ""
    raise DataError(
        f"some tags mark spans, such as '{marked}', and others do not, such as '{other}'; mend them, or set the "
        f"reader's scheme to {as_outside}'none'"
    )


def _given(corpus: Corpus, labels: Sequence[str], setting: SchemeName) -> TagScheme:
    """The scheme that the setting names, in the form in which it reads most tags."""
    letters = set(LETTERS[setting])
    inside = [label for label in labels if label not in OUTSIDE_MARKS]

    def num_read(form: Form) -> int:
        return sum(mark.letter in letters for label in inside if (mark := mark_of(label, form)) is not None)

    most = max(map(num_read, FORMS))
    if not inside:
        return TagScheme(setting)
    if not most:
        raise DataError(
            f"no tag is one of the scheme {TagScheme(setting).title}, as '{inside[0]}' is not; leave the reader's "
            "scheme out, so that it is recognised"
        )
    schemes = [TagScheme(setting, form) for form in FORMS if num_read(form) == most]
    scheme = min(schemes, key=lambda each: int(SpanWords.of(corpus, each.form).violations(each).sum()))
    for label in inside:
        mark = mark_of(label, scheme.form)
        # Tags that are not read stay as they are, and must not be taken for marks afterwards.
        if mark.letter not in letters if mark else role_of(label)[0]:
            raise DataError(
                f"the tag '{label}' is not one of the scheme {scheme.title}; leave the reader's scheme out, so that it "
                "is recognised, or mend the tag"
            )
    return scheme


def _no_spans(labels: Sequence[str]) -> TagScheme:
    """No scheme, unless the tags seem to mark spans in a way that is not read."""
    if unread := spans_in_other_notation(labels):
        raise DataError(
            f"the tags, such as '{unread}', seem to mark spans in a notation that is not read; write them as B-x "
            "and I-x, or set the reader's scheme to 'none' if they mark none"
        )
    return NO_SPANS


def _can_be_given(corpus: Corpus, labels: Sequence[str], setting: SchemeName) -> bool:
    try:
        _given(corpus, labels, setting)
    except DataError:
        return False
    return True


def _letters(marks: Iterable[Mark]) -> set[str]:
    return {mark.letter for mark in marks}


def _shares_a_type(marks: Iterable[Mark]) -> bool:
    """Whether two of the marks have one type, as those of real spans mostly do."""
    kinds = [mark.kind for mark in marks]
    return len(set(kinds)) < len(kinds)


def _remedy(*names: str) -> str:
    known = " or ".join(f"'{name}'" for name in dict.fromkeys((*names, "none")))
    return f"set the reader's scheme to {known}"
