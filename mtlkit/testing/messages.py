"""Checks of the parts of message passing: communicators and readers.

Shapes: B texts, T words, N sources, D state size.
"""

from typing import Any

import torch

from mtlkit.config import Lazy, runtime_names
from mtlkit.encoders import BilstmEncoder
from mtlkit.sharing import MessagePassing
from mtlkit.sharing.communicators import Communicator, DirectCommunicator, IndirectCommunicator
from mtlkit.sharing.one_way_network import OneWayNetwork
from mtlkit.sharing.readers import LayerReader, LstmReader, Reader
from mtlkit.testing.modules import build_module, close
from mtlkit.testing.networks import check_sharing_scheme
from mtlkit.testing.promises import doing, promise
from mtlkit.testing.samples import STATE_DIM, TASKS, Sample, sample


def check_communicator(lazy: Lazy[Communicator]) -> None:
    """Checks a communicator inside the scheme that owns the networks, since it does nothing on its own: with each
    reader of mtlkit, and what it reads at all steps at once against what it reads step by step.
    """
    layer: Lazy[Reader] = Lazy.of(LayerReader, layer=Lazy.of(BilstmEncoder, hidden_dim=STATE_DIM // 2))
    readers: list[Lazy[Reader]] = [Lazy.of(LstmReader), layer]
    for reader in readers:
        with doing(f"inside the scheme message_passing with the reader '{reader.type}'"):
            check_sharing_scheme(_scheme(lazy, reader))
    _check_all_steps_at_once(lazy)


def check_reader(lazy: Lazy[Reader]) -> None:
    """Checks a reader inside the scheme that builds its networks, with each communicator of mtlkit."""
    communicators: list[Lazy[Communicator]] = [Lazy.of(DirectCommunicator), Lazy.of(IndirectCommunicator)]
    for communicator in communicators:
        with doing(f"inside the scheme message_passing with the communicator '{communicator.type}'"):
            check_sharing_scheme(_scheme(communicator, lazy))


def _scheme(communicator: Lazy[Communicator], reader: Lazy[Reader]) -> Lazy[Any]:
    size = {"hidden_dim": STATE_DIM} if "state_dim" in runtime_names(reader.component) else {}
    return Lazy.of(MessagePassing, communicator=communicator, reader=reader, **size)


def _check_all_steps_at_once(lazy: Lazy[Communicator]) -> None:
    """Checks that `read` gives what `step` gives at each step."""
    scheme, given = build_module(_scheme(lazy, Lazy.of(LstmReader))), sample()
    for task in TASKS:
        communicator, memory = _prepared(scheme.left_to_right, given, task)
        states_BTD = torch.randn(*given.mask_BT.shape, STATE_DIM, dtype=given.states_BTE.dtype)
        with doing("when it reads all steps at once"):
            at_once = communicator.read(states_BTD, memory)
            bare = communicator.read(states_BTD, memory, with_weights=False)
        by_steps = Communicator.read(communicator, states_BTD, memory)
        promise(
            close(at_once.contents_BTM, by_steps.contents_BTM) and close(at_once.weights_BTN, by_steps.weights_BTN),
            "what it reads at all steps at once is not what it reads step by step",
        )
        same = close(bare.contents_BTM, at_once.contents_BTM)
        promise(same, "without weights its messages are others than with them")


def _prepared(network: OneWayNetwork, given: Sample, task: str) -> tuple[Communicator, Any]:
    """Returns the communicator through which a task reads, and what it has prepared for a sample."""
    incoming = network.incoming(given.states_BTE, given.mask_BT, task)
    communicator = incoming.communicator
    return communicator, communicator.prepare(incoming.inputs_BTE, incoming.sources, incoming.mask_BT)
