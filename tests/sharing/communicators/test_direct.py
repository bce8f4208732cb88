from mtlkit.config import Lazy
from mtlkit.sharing.communicators import Communicator, DirectCommunicator


def build(**settings: object) -> Communicator:
    lazy: Lazy[Communicator] = Lazy.of(DirectCommunicator, **settings)
    return lazy.build(input_dim=2, state_dim=3, tasks=["a", "b", "c"])


def test_edges_are_who_is_heard() -> None:
    edges = {"a": ["c"], "b": ["a", "c"], "c": ["a"]}
    assert build(edges=edges).senders(["a", "b", "c"]) == edges


def test_the_receiver_itself_comes_last_and_once() -> None:
    tasks = ["a", "b", "c"]
    assert build(include_self=True).senders(tasks)["a"] == ["b", "c", "a"]
    edges = {"a": ["a", "c"], "b": ["a"], "c": ["b"]}
    assert build(include_self=True, edges=edges).senders(tasks) == {"a": ["c", "a"], "b": ["a", "b"], "c": ["b", "c"]}


def test_attention_dim() -> None:
    assert {tuple(parameter.shape) for parameter in build(attention_dim=9).parameters()} == {(9, 2), (9, 3), (1, 9)}
