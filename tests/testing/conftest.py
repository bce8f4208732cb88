from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mtlkit.config import Component


@pytest.fixture
def verdict(registry: None) -> "Callable[[type[Component], type[Component]], str]":
    """Says what is wrong with an implementation; nothing if nothing is."""
    from mtlkit.testing import check_component  # pytest reads this file in every process, as it does ../conftest.py

    def judge(interface: "type[Component]", implementation: "type[Component]") -> str:
        interface.register("broken")(implementation)
        try:
            check_component(interface, {"type": "broken"})
        except AssertionError as error:
            return str(error).removeprefix(f"{interface.__name__} 'broken': ")
        return ""

    return judge
