import mtlkit
from mtlkit.testing import check_component


def test_gated() -> None:
    check_component(mtlkit.Communicator, {"type": "gated"})
