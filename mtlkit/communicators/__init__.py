"""Communicators: what a task's network hears from the others at each time step."""

from mtlkit.communicators.communicator import Communicator, Memory, Message
from mtlkit.communicators.direct import DirectCommunicator
from mtlkit.communicators.indirect import IndirectCommunicator

__all__ = ["Communicator", "Memory", "Message", "DirectCommunicator", "IndirectCommunicator"]
