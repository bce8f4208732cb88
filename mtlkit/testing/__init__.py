"""Conformance tests of components, for authors of plugins and for mtlkit itself:

from mtlkit.testing import check_component

def test_gated() -> None:
    check_component(mtlkit.Communicator, {"type": "gated"})
"""

from mtlkit.testing.component import check_component
from mtlkit.testing.samples import LABELS, TASKS

__all__ = ["LABELS", "TASKS", "check_component"]
