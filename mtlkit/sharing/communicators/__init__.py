"""Communicators: what a task's network hears from the others at each time step."""

from mtlkit.sharing.communicators.communicator import Communicator, Memory, Message, Messages
from mtlkit.sharing.communicators.direct import DirectCommunicator
from mtlkit.sharing.communicators.indirect import AlignedCommunicator, IndirectCommunicator

__all__ = [
    "Communicator",
    "Memory",
    "Message",
    "Messages",
    "AlignedCommunicator",
    "DirectCommunicator",
    "IndirectCommunicator",
]
