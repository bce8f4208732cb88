"""Sharing schemes: which parameters the tasks share, and how."""

from mtlkit.sharing.fully_shared import FullyShared
from mtlkit.sharing.message_passing import MessagePassing
from mtlkit.sharing.pool import ModulePool
from mtlkit.sharing.private import Private
from mtlkit.sharing.scheme import Shared, SharingScheme, Trace
from mtlkit.sharing.searchable_scheme import SearchableScheme

__all__ = [
    "Shared",
    "SharingScheme",
    "SearchableScheme",
    "Trace",
    "FullyShared",
    "MessagePassing",
    "ModulePool",
    "Private",
]
