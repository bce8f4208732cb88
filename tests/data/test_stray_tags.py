"""Tags against the scheme IOB2, beside a plain search."""

from hypothesis import given
from hypothesis import strategies as st

from mtlkit.data import Corpus, Instance, TagScheme, texts_that_violate
from mtlkit.data.instance import Target

TAGS = ["O", "B-x", "I-x", "B-y", "I-y", "X"]


def is_stray(tags: tuple[str, ...]) -> bool:
    pairs = zip(("O", *tags), tags, strict=False)
    return any(tag[:2] == "I-" and before not in (tag, f"B-{tag[2:]}") for before, tag in pairs)


@given(st.lists(st.lists(st.sampled_from(TAGS), min_size=1, max_size=5).map(tuple) | st.none(), max_size=6))
def test_the_texts_are_those_of_a_plain_search(targets: list[Target | None]) -> None:
    instances = [Instance(("a",) * len(target or "a"), target) for target in targets]
    corpus = Corpus.from_instances(instances, "tags")
    expected = [place for place, tags in enumerate(targets) if isinstance(tags, tuple) and is_stray(tags)]
    assert texts_that_violate(corpus, TagScheme("iob2")).tolist() == expected
