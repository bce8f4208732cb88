from itertools import pairwise, product

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchcrf import CRF

from mtlkit.kernels.crf.reference import bio_constraints, viterbi

LABELS = ["I-NP", "O", "B-VP", "B-NP", "I-VP"]


def chain(lengths: list[int], num_labels: int, seed: int) -> tuple[CRF, Tensor, Tensor]:
    torch.manual_seed(seed)
    crf = CRF(num_labels, batch_first=True).double()
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    emissions_BTL = torch.randn(len(lengths), max(lengths), num_labels, dtype=torch.float64)
    mask_BT = torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
    return crf, emissions_BTL, mask_BT


def scores(crf: CRF, emissions_TL: Tensor, sequences_ST: Tensor) -> Tensor:
    """The unnormalised log score of each of S label sequences, term by term."""
    steps_T = torch.arange(sequences_ST.shape[1])
    ends_S = crf.start_transitions[sequences_ST[:, 0]] + crf.end_transitions[sequences_ST[:, -1]]
    transitions_ST = crf.transitions[sequences_ST[:, :-1], sequences_ST[:, 1:]]
    return ends_S + emissions_TL[steps_T, sequences_ST].sum(dim=1) + transitions_ST.sum(dim=1)


def valid_bio(tags: tuple[str, ...]) -> bool:
    """Whether each I-x continues a chunk of type x."""
    return all(not tag.startswith("I-") or before in (tag, "B-" + tag[2:]) for before, tag in pairwise(("O", *tags)))


def sequences(length: int) -> Tensor:
    return torch.tensor(list(product(range(len(LABELS)), repeat=length)))


def decode(crf: CRF, emissions_BTL: Tensor, mask_BT: Tensor) -> list[list[int]]:
    ids_BT = viterbi(emissions_BTL, mask_BT, crf.start_transitions, crf.transitions, crf.end_transitions)
    assert (ids_BT[~mask_BT] == -1).all()
    return [row[valid].tolist() for row, valid in zip(ids_BT, mask_BT, strict=True)]


lengths = st.lists(st.integers(1, 4), min_size=1, max_size=3)
seeds = st.integers(0, 2**16)


@given(lengths, seeds)
def test_viterbi_finds_the_best_of_all_sequences(lengths: list[int], seed: int) -> None:
    crf, emissions_BTL, mask_BT = chain(lengths, len(LABELS), seed)
    for row, found in enumerate(decode(crf, emissions_BTL, mask_BT)):
        everything = sequences(lengths[row])
        best = everything[scores(crf, emissions_BTL[row], everything).argmax()]
        assert found == best.tolist()


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.integers(1, 12), seeds)
def test_viterbi_equals_torchcrf(lengths: list[int], num_labels: int, seed: int) -> None:
    crf, emissions_BTL, mask_BT = chain(lengths, num_labels, seed)
    assert decode(crf, emissions_BTL, mask_BT) == crf.decode(emissions_BTL, mask=mask_BT)


@given(lengths, seeds)
def test_constrained_viterbi_finds_the_best_well_formed_sequence(lengths: list[int], seed: int) -> None:
    crf, emissions_BTL, mask_BT = chain(lengths, len(LABELS), seed)
    start_L, transitions_LL = bio_constraints(LABELS)
    constrained = (
        crf.start_transitions.masked_fill(~start_L, -torch.inf),
        crf.transitions.masked_fill(~transitions_LL, -torch.inf),
        crf.end_transitions,
    )
    ids_BT = viterbi(emissions_BTL, mask_BT, *constrained)
    for row, length in enumerate(lengths):
        valid = [ids for ids in sequences(length) if valid_bio(tuple(LABELS[i] for i in ids))]
        best = valid[scores(crf, emissions_BTL[row], torch.stack(valid)).argmax()]
        assert ids_BT[row, :length].tolist() == best.tolist()


def test_constraints_allow_exactly_the_well_formed_sequences() -> None:
    start_L, transitions_LL = bio_constraints(LABELS)
    for ids in sequences(3).tolist():
        allowed = bool(start_L[ids[0]]) and all(bool(transitions_LL[pair]) for pair in pairwise(ids))
        assert allowed == valid_bio(tuple(LABELS[i] for i in ids))


def test_labels_without_prefixes_and_types_without_a_beginning_are_free() -> None:
    for labels in (["NN", "VB", "-LRB-"], ["O", "I-PER", "I-LOC"]):
        start_L, transitions_LL = bio_constraints(labels)
        assert start_L.all() and transitions_LL.all()
