"""Sharing schemes: which parameters the tasks share, and how."""

from mtlkit.sharing.adversarial_shared_private import AdversarialSharedPrivate
from mtlkit.sharing.cross_stitch import CrossStitch
from mtlkit.sharing.fully_shared import FullyShared
from mtlkit.sharing.hierarchical import Hierarchical
from mtlkit.sharing.message_passing import MessagePassing
from mtlkit.sharing.parallel_shared_private import ParallelSharedPrivate
from mtlkit.sharing.pool import ModulePool
from mtlkit.sharing.private import Private
from mtlkit.sharing.scheme import Shared, SharedLayer, SharingScheme
from mtlkit.sharing.searchable_scheme import SearchableScheme
from mtlkit.sharing.stacked_shared_private import StackedSharedPrivate
from mtlkit.sharing.traces import GuessTrace, MixtureTrace, PathTrace, Trace, WordTrace

__all__ = [
    "Shared",
    "SharedLayer",
    "SharingScheme",
    "SearchableScheme",
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
