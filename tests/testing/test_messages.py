"""Communicators and readers that do not keep their promises."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

import mtlkit
from mtlkit.config import Component

Verdict = Callable[[type[Component], type[Component]], str]


class Scaled(mtlkit.Communicator):
    """The sum of the other tasks' states, scaled."""

    sources = "tasks"

    def __init__(self, *, state_dim: mtlkit.Runtime[int]) -> None:
        super().__init__()
        self.scale = nn.Linear(state_dim, state_dim)

    def prepare(self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor) -> Any:
        return sources.unbind(1)

    def step(self, time: int, previous_BD: Tensor, memory: Any) -> mtlkit.Message:
        scaled_BND = self.scale(memory[time])
        return mtlkit.Message(scaled_BND.sum(dim=1), scaled_BND.new_ones(scaled_BND.shape[:2]))


def test_messages_of_all_steps_must_be_those_of_the_steps(verdict: Verdict) -> None:
    class Double(Scaled):
        """Twice the message, where all are read at once."""

        def read(self, states_BTD: Tensor, memory: Any, *, with_weights: bool = True) -> mtlkit.Messages:
            found = super().read(states_BTD, memory, with_weights=with_weights)
            return found._replace(contents_BTM=found.contents_BTM * 2)

    wrong = "what it reads at all steps at once is not what it reads step by step"
    assert verdict(mtlkit.Communicator, Double) == wrong


def test_messages_must_not_depend_on_whether_weights_are_wanted(verdict: Verdict) -> None:
    class Forgetful(Scaled):
        """Silent where nobody asks for weights."""

        def read(self, states_BTD: Tensor, memory: Any, *, with_weights: bool = True) -> mtlkit.Messages:
            found = super().read(states_BTD, memory, with_weights=with_weights)
            return found if with_weights else found._replace(contents_BTM=found.contents_BTM * 0)

    assert verdict(mtlkit.Communicator, Forgetful) == "without weights its messages are others than with them"


class Summing(mtlkit.Reader):
    """A linear layer whose states add up all messages of the text."""

    def __init__(self, *, input_dim: mtlkit.Runtime[int], state_dim: mtlkit.Runtime[int]) -> None:
        self.sizes = input_dim, state_dim

    def network(self) -> nn.Module:
        return nn.Linear(*self.sizes)

    def state_dim_of(self, network: nn.Module) -> int:
        return self.sizes[1]

    def speak(self, network: nn.Module, inputs_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        states_BTD: Tensor = network(inputs_BTE)
        return states_BTD

    def read(self, network: nn.Module, incoming: mtlkit.Incoming) -> mtlkit.Heard:
        communicator, gate = incoming.channel.communicator, incoming.channel.gate
        memory = communicator.prepare(incoming.inputs_BTE, incoming.sources, incoming.mask_BT)
        states_BTD = self.speak(network, incoming.inputs_BTE, incoming.mask_BT)
        contents_BTM, weights_BTN = communicator.read(states_BTD, memory)
        gates_BT = gate.opened(states_BTD, contents_BTM).mean(dim=2).detach() if incoming.with_gates else None
        return mtlkit.Heard(gate(states_BTD, self.taken_in(contents_BTM, incoming)), weights_BTN.detach(), gates_BT)

    def taken_in(self, contents_BTM: Tensor, incoming: mtlkit.Incoming) -> Tensor:
        return contents_BTM + (contents_BTM * incoming.mask_BT.unsqueeze(2)).sum(dim=1, keepdim=True)


def test_a_reader_of_a_plugin_that_keeps_its_promises(verdict: Verdict) -> None:
    assert verdict(mtlkit.Reader, Summing) == ""


def test_a_reader_that_lets_padding_in(verdict: Verdict) -> None:
    class Careless(Summing):
        """Adds up messages at padding too."""

        def taken_in(self, contents_BTM: Tensor, incoming: mtlkit.Incoming) -> Tensor:
            return contents_BTM + contents_BTM.sum(dim=1, keepdim=True)

    assert verdict(mtlkit.Reader, Careless).startswith("more padding, or what stands in it, changes its outputs")


def test_a_reader_that_hears_nothing(verdict: Verdict) -> None:
    class Deaf(Summing):
        """Takes in nothing."""

        def taken_in(self, contents_BTM: Tensor, incoming: mtlkit.Incoming) -> Tensor:
            return contents_BTM.detach() * 0

    assert "gets no gradient" in verdict(mtlkit.Reader, Deaf)
