"""Sharing schemes: which parameters the tasks share, and how."""

from mtlkit.sharing.fully_shared import FullyShared
from mtlkit.sharing.message_passing import MessagePassing
from mtlkit.sharing.private import Private
from mtlkit.sharing.scheme import Shared, SharingScheme, Trace

__all__ = ["Shared", "SharingScheme", "Trace", "FullyShared", "MessagePassing", "Private"]
