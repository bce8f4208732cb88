import time
from itertools import pairwise, product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.errors import ConfigError
from mtlkit.heads import CrfTagger
from mtlkit.heads.iobes import Iobes
from mtlkit.kernels.crf.reference import bio_constraints
from mtlkit.metrics import spans

LABELS = ["I-NP", "B-NP", "B-PRT", "B-VP", "I-LST", "I-VP", "O", "X"]
"""PRT has no `I-`, LST no `B-`: both stay as they are."""


def rewritten(tags: list[str]) -> list[str]:
    """IOBES tag by tag, from the spans."""
    fine = list(tags)
    for name, first, after in spans(tags):
        if name in ("NP", "VP"):
            middle = [f"I-{name}"] * (after - first - 2)
            long = [f"B-{name}", *middle, f"E-{name}"]
            fine[first:after] = long if after - first > 1 else [f"S-{name}"]
    return fine


def ids(tags: list[str], labels: list[str]) -> torch.Tensor:
    return torch.tensor([[labels.index(tag) for tag in tags]])


tags_of = st.lists(st.sampled_from(LABELS), min_size=1, max_size=7)


@given(tags_of, st.integers(0, 3), st.sampled_from(range(len(LABELS))))
def test_says_where_in_its_span_a_word_stands(tags: list[str], padding: int, filler: int) -> None:
    """And whatever stands at padding, it continues no span."""
    scheme = Iobes(LABELS)
    padded = torch.nn.functional.pad(ids(tags, LABELS), (0, padding), value=filler)
    mask = torch.arange(padded.shape[1]).unsqueeze(0) < len(tags)
    found = scheme.encode(padded, mask)[0, : len(tags)].tolist()
    assert [scheme.labels[label] for label in found] == rewritten(tags)


@given(tags_of)
def test_the_way_back_has_the_same_spans(tags: list[str]) -> None:
    scheme = Iobes(LABELS)
    there = scheme.encode(ids(tags, LABELS), torch.ones(1, len(tags), dtype=torch.bool))
    back = [LABELS[label] for label in scheme.decode(there)[0].tolist()]
    assert spans(back) == spans(tags)
    assert scheme.decode(torch.tensor([[-1]])).tolist() == [[-1]]


def test_exactly_what_can_be_written_is_allowed() -> None:
    """Of all sequences of three labels those that are the IOBES form of some BIO tags."""
    labels = ["O", "B-NP", "I-NP", "B-VP", "I-VP"]
    scheme = Iobes(labels)
    start, transitions, end = scheme.constraints()
    written = {tuple(rewritten(list(tags))) for tags in product(labels, repeat=3)}
    for sequence in product(range(len(scheme.labels)), repeat=3):
        follows = all(transitions[before, after] for before, after in pairwise(sequence))
        allowed = bool(start[sequence[0]] and follows and end[sequence[-1]])
        assert allowed == (tuple(scheme.labels[label] for label in sequence) in written)


def test_a_tagger_takes_and_gives_bio_and_learns_the_ends_of_spans() -> None:
    torch.manual_seed(0)
    labels = ["O", "B-NP", "I-NP"]
    head = CrfTagger(scheme="iobes", input_dim=5, labels=labels)
    assert head.output.out_features == 5
    gold = torch.tensor([[1, 2, 2, 0, 1], [0, 1, 1, 2, 0]])
    states, mask = torch.randn(2, 5, 5), torch.tensor([[True] * 5, [True] * 4 + [False]])
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        head.loss(states, mask, gold).backward()
        optimizer.step()
    assert torch.equal(head.decode(states, mask).ids, gold.masked_fill(~mask, -1))


def test_its_answers_are_well_formed_where_free_ones_are_not() -> None:
    labels = ["O", "B-NP", "I-NP"]
    states = torch.randn(50, 6, 3, generator=torch.Generator().manual_seed(0))

    def num_ill_formed(constrain: bool) -> int:
        torch.manual_seed(1)
        head = CrfTagger(constrain=constrain, scheme="iobes", input_dim=3, labels=labels)
        torch.nn.init.normal_(head.output.weight)
        rows = head.decode(states, torch.ones(50, 6, dtype=torch.bool)).ids.tolist()
        return sum((before, after) == (0, 2) for row in rows for before, after in pairwise([0, *row]))

    assert num_ill_formed(constrain=True) == 0 < num_ill_formed(constrain=False)


def test_tags_that_are_iobes_already_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"head.scheme: the tags are IOBES already \('E-NP'\)"):
        Iobes(["O", "B-NP", "E-NP", "I-NP", "S-NP"])
    assert Iobes(["O", "S-x"]).labels == ["O", "S-x"]


def test_the_constraints_of_thousands_of_labels_are_ready_at_once() -> None:
    """Derived label by label, not pair by pair, which would take hours."""
    types = range(4000)
    start = time.process_time()
    with torch.device("meta"):
        scheme = Iobes([f"{letter}-{name}" for name in types for letter in "BI"])
        _, transitions, _ = scheme.constraints()
        _, plain = bio_constraints([f"{letter}-{name}" for name in types for letter in "BI"])
    assert transitions.shape == (16_000, 16_000) and plain.shape == (8000, 8000)
    assert time.process_time() - start < 20
