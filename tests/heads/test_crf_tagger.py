from itertools import pairwise, product

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mtlkit.heads import CrfTagger

LABELS = ["O", "I-NP", "B-NP", "B-VP"]


def build(constrain: bool, labels: list[str] = LABELS) -> CrfTagger:
    torch.manual_seed(1)
    head = CrfTagger(constrain=constrain, input_dim=3, labels=labels).double()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    return head


def log_score(head: CrfTagger, states_TD: Tensor, ids: tuple[int, ...]) -> Tensor:
    """The unnormalised log score of one tag sequence, term by term."""
    emissions_TL = head.output(states_TD)
    score: Tensor = head.crf.start_transitions[ids[0]] + head.crf.end_transitions[ids[-1]]
    for step, label in enumerate(ids):
        score = score + emissions_TL[step, label]
    for before, after in pairwise(ids):
        score = score + head.crf.transitions[before, after]
    return score


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=3), min_size=1, max_size=3), st.integers(0, 99))
def test_the_loss_is_minus_log_probability_by_enumeration(targets: list[list[int]], seed: int) -> None:
    head = build(constrain=True)
    torch.manual_seed(seed)
    num_steps = max(map(len, targets))
    states_BTD = torch.randn(len(targets), num_steps, 3, dtype=torch.float64)
    targets_BT = torch.tensor([ids + [-1] * (num_steps - len(ids)) for ids in targets])

    log_likelihood = torch.zeros((), dtype=torch.float64)
    for states_TD, ids in zip(states_BTD, targets, strict=True):
        everything = product(range(len(LABELS)), repeat=len(ids))
        partition = torch.stack([log_score(head, states_TD, other) for other in everything]).logsumexp(dim=0)
        log_likelihood = log_likelihood + log_score(head, states_TD, tuple(ids)) - partition
    expected = -log_likelihood / sum(map(len, targets))

    found = head.loss(states_BTD, targets_BT >= 0, targets_BT)
    torch.testing.assert_close(found, expected)
    parameters = list(head.parameters())
    gradients = [torch.autograd.grad(loss, parameters, materialize_grads=True) for loss in (found, expected)]
    torch.testing.assert_close(*gradients)


def test_constrained_decoding_is_well_formed_where_free_decoding_is_not() -> None:
    torch.manual_seed(0)
    states_BTD = torch.randn(50, 8, 3, dtype=torch.float64)
    mask_BT = torch.ones(50, 8, dtype=torch.bool)

    def num_ill_formed(constrain: bool) -> int:
        rows = build(constrain).decode(states_BTD, mask_BT).ids.tolist()
        pairs = [pair for row in rows for pair in pairwise([0, *row])]
        return sum(LABELS[tag] == "I-NP" and LABELS[before] not in ("B-NP", "I-NP") for before, tag in pairs)

    assert num_ill_formed(constrain=True) == 0
    assert num_ill_formed(constrain=False) > 0


def test_labels_without_prefixes_are_not_constrained() -> None:
    states_BTD = torch.randn(20, 5, 3, dtype=torch.float64)
    mask_BT = torch.ones(20, 5, dtype=torch.bool)
    free, constrained = build(False, ["DT", "NN", "VB"]), build(True, ["DT", "NN", "VB"])
    found = constrained.decode(states_BTD, mask_BT).ids
    assert torch.equal(found, free.decode(states_BTD, mask_BT).ids)


def test_weights_are_the_same_with_and_without_constraints() -> None:
    assert build(True).state_dict().keys() == build(False).state_dict().keys()
    build(False).load_state_dict(build(True).state_dict())
