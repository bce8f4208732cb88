import inspect
import textwrap
from typing import Any

import pytest
import torch

import mtlkit.sharing.communicators
from mtlkit.errors import ComponentError
from mtlkit.sharing.communicators import Communicator, DirectCommunicator


def test_every_task_hears_all_others_by_default() -> None:
    communicator = DirectCommunicator(input_dim=2, state_dim=3)
    assert communicator.senders(["a", "b", "c"]) == {"a": ["b", "c"], "b": ["a", "c"], "c": ["a", "b"]}


def test_the_example_in_the_interface_works() -> None:
    """Unregistered, or it would join the components of the other tests."""
    _, _, block = (inspect.getdoc(Communicator) or "").partition("complete example:\n")
    code = textwrap.dedent(block.partition("\nA constructor")[0]).replace('@Communicator.register("mean")', "")
    names: dict[str, Any] = dict(vars(mtlkit.sharing.communicators))
    exec(code, names)
    communicator = names["MeanCommunicator"]()
    inputs_BTE, states_BTND = torch.randn(2, 5, 3), torch.randn(2, 5, 4, 6)
    memory = communicator.prepare(inputs_BTE, states_BTND, torch.ones(2, 5, dtype=torch.bool))
    message = communicator.step(1, torch.zeros(2, 6), memory)
    torch.testing.assert_close(message.content_BM, states_BTND[:, 1].mean(dim=1))
    torch.testing.assert_close(message.weights_BN, torch.full((2, 4), 0.25))


def test_a_communicator_must_say_what_it_reads() -> None:
    with pytest.raises(ComponentError, match="Forgetful must say sources = 'tasks'"):

        class Forgetful(Communicator):
            pass
