"""Sharing schemes: which parameters the tasks share, and how."""

from mtlkit.sharing.adversarial_shared_private import AdversarialSharedPrivate
from mtlkit.sharing.cross_stitch import CrossStitch
from mtlkit.sharing.hierarchical import Hierarchical
from mtlkit.sharing.message_passing import MessagePassing
from mtlkit.sharing.one_encoder import FullyShared, Private
from mtlkit.sharing.pool import ModulePool
from mtlkit.sharing.scheme import Shared, SharedLayer, SharingScheme
from mtlkit.sharing.searchable_scheme import SearchableScheme
from mtlkit.sharing.selecting_scheme import SelectingScheme
from mtlkit.sharing.shared_private import ParallelSharedPrivate, StackedSharedPrivate
from mtlkit.sharing.traces import GuessTrace, MixtureTrace, PathTrace, Trace, WordTrace

__all__ = [
    "Shared",
    "SharedLayer",
    "SharingScheme",
    "SearchableScheme",
    "SelectingScheme",
    "Trace",
    "GuessTrace",
    "WordTrace",
    "PathTrace",
    "MixtureTrace",
    "AdversarialSharedPrivate",
    "CrossStitch",
    "FullyShared",
    "Hierarchical",
    "MessagePassing",
    "ModulePool",
    "ParallelSharedPrivate",
    "Private",
    "StackedSharedPrivate",
]
