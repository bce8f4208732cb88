from collections.abc import Callable

import pytest

from mtlkit.config import Component
from mtlkit.testing import check_component


@pytest.fixture
def verdict(registry: None) -> Callable[[type[Component], type[Component]], str]:
    """Says what is wrong with an implementation; nothing if nothing is."""

    def judge(interface: type[Component], implementation: type[Component]) -> str:
        interface.register("broken")(implementation)
        try:
            check_component(interface, {"type": "broken"})
        except AssertionError as error:
            return str(error).removeprefix(f"{interface.__name__} 'broken': ")
        return ""

    return judge
