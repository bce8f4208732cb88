import torch

from mtlkit.config import Lazy
from mtlkit.encoders import LstmEncoder
from mtlkit.sharing import FullyShared, Private, SharingScheme

TASKS = ["movie", "tweet"]
STATES_BTE, MASK_BT = torch.randn(2, 3, 4), torch.tensor([[True, True, True], [True, False, False]])


def build(component: type[SharingScheme]) -> SharingScheme:
    return Lazy.of(component, encoder=Lazy.of(LstmEncoder, hidden_dim=5)).build(input_dim=4, tasks=TASKS)


def trained_by(scheme: SharingScheme, task: str) -> set[str]:
    scheme(STATES_BTE, MASK_BT, task).states_BTD.sum().backward()
    return {name for name, parameter in scheme.named_parameters() if parameter.grad is not None}


def test_private_tasks_share_nothing() -> None:
    scheme = build(Private)
    trained = trained_by(scheme, "movie")
    assert trained
    assert all(name.startswith("encoders.movie.") for name in trained)
    other_BTD = scheme(STATES_BTE, MASK_BT, "tweet").states_BTD
    assert other_BTD.shape == (2, 3, scheme.output_dim) == (2, 3, 5)
    assert not torch.equal(scheme(STATES_BTE, MASK_BT, "movie").states_BTD, other_BTD)


def test_fully_shared_tasks_share_all() -> None:
    scheme = build(FullyShared)
    assert trained_by(scheme, "movie") == {name for name, _ in scheme.named_parameters()}
    movie, tweet = (scheme(STATES_BTE, MASK_BT, task, with_trace=True) for task in TASKS)
    assert torch.equal(movie.states_BTD, tweet.states_BTD)
    assert movie.trace is None
    assert scheme.output_dim == 5
