"""Every promise that `check_component` knows can be broken, and is then named in a sentence."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import mtlkit
from mtlkit.config import Component
from mtlkit.testing import check_component
from mtlkit.testing.component import CHECKS

pytestmark = pytest.mark.usefixtures("registry")
Class = type[Component]
Verdict = Callable[[Class, Class], str]


class Good(mtlkit.Encoder):
    """An encoder that keeps its promises: a linear map with a `factor`."""

    def __init__(self, factor: float = 2.0, *, input_dim: mtlkit.Runtime[int]) -> None:
        super().__init__()
        self.factor = factor
        self.output_dim = input_dim + 1
        self.map = nn.Linear(input_dim, self.output_dim)

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        return self.factor * self.map(states_BTE) * mask_BT.unsqueeze(-1)


def test_a_good_encoder_passes(verdict: Verdict) -> None:
    assert verdict(mtlkit.Encoder, Good) == ""


def test_wrong_settings_are_explained() -> None:
    with pytest.raises(AssertionError, match=r"encoder.type: no Encoder 'lstn'; did you mean 'lstm'\?"):
        check_component(mtlkit.Encoder, {"type": "lstn"})
    with pytest.raises(AssertionError, match=r"encoder.hidden_dim: should be greater than 0 \(got 0\)"):
        check_component(mtlkit.Encoder, {"type": "lstm", "hidden_dim": 0})


def test_an_interface_of_somebody_else_is_refused() -> None:
    class Stranger(Component): ...

    with pytest.raises(AssertionError, match="Stranger is none of the interfaces that can be checked: Communicator, "):
        check_component(Stranger, {"type": "any"})


class Undocumented(Good):
    """Says nothing."""


class WrongShape(Good):
    """factor"""

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        return super().forward(states_BTE, mask_BT)[..., :-1]


class Unmasked(Good):
    """factor"""

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        return self.map(states_BTE)


class SeesPadding(Good):
    """factor"""

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        return super().forward(states_BTE + states_BTE.mean(dim=1, keepdim=True), mask_BT)


class SeesNeighbours(Good):
    """factor"""

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        return super().forward(states_BTE + states_BTE[:, :1].mean(dim=0), mask_BT)


class SeesItsRow(Good):
    """factor"""

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        return super().forward(states_BTE + torch.arange(len(mask_BT)).view(-1, 1, 1), mask_BT)


class Random(Good):
    """factor"""

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        return super().forward(nn.functional.dropout(states_BTE), mask_BT)


class Infinite(Good):
    """factor"""

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        return super().forward(states_BTE, mask_BT) / mask_BT.unsqueeze(-1)


class Unused(Good):
    """factor"""

    def __init__(self, factor: float = 2.0, *, input_dim: mtlkit.Runtime[int]) -> None:
        super().__init__(factor, input_dim=input_dim)
        self.idle = nn.Parameter(torch.zeros(3))


class Forgetful(Good):
    """factor"""

    def __init__(self, factor: float = 2.0, *, input_dim: mtlkit.Runtime[int]) -> None:
        super().__init__(factor, input_dim=input_dim)
        self.factor = float(torch.rand(()))


class Twice(Good):
    """factor"""

    def __init__(self, factor: float = 2.0, *, input_dim: mtlkit.Runtime[int]) -> None:
        super().__init__(factor, input_dim=input_dim)
        self.again = self.map


class SinglePrecision(Good):
    """factor"""

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        return super().forward(states_BTE + torch.zeros(()), mask_BT).float()


class OnTheCpu(Good):
    """factor"""

    def __init__(self, factor: float = 2.0, *, input_dim: mtlkit.Runtime[int]) -> None:
        super().__init__(factor, input_dim=input_dim)
        self.map = nn.Linear(input_dim, self.output_dim, device="cpu")


class Detached(Good):
    """factor"""

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        return super().forward(states_BTE.detach() + 0 * states_BTE, mask_BT)


class Raises(Good):
    """factor"""

    def forward(self, states_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        raise KeyError("oh")


BROKEN_ENCODERS: dict[str, Class] = {
    "its class's docstring says nothing about factor": Undocumented,
    "its states are (4, 7, 6), not (B, T, D) (4, 7, 7)": WrongShape,
    "its states are not zero at padding": Unmasked,
    "more padding, or what stands in it, changes its outputs": SeesPadding,
    "a text's outputs depend on the other texts of its batch": SeesNeighbours,
    "with the texts of a batch in another order, the outputs are others": SeesItsRow,
    "in evaluation mode, the same input gives different outputs": Random,
    "its output holds numbers that are not finite": Infinite,
    "its parameter idle gets no gradient": Unused,
    "an instance with another's weights gives other outputs: state_dict lacks something": Forgetful,
    "state_dict holds one tensor twice, as map.weight and as again.weight; register it once": Twice,
    "in torch.float64 its output is torch.float32": SinglePrecision,
    "its parameter map.weight is not made on the default device; leave out device=": OnTheCpu,
    "no gradient reaches its input, so an embedder below it cannot learn": Detached,
    "in evaluation mode it raises KeyError: 'oh'": Raises,
}
"""By the sentence that it is told: an encoder that breaks a promise."""


@pytest.mark.parametrize("sentence", BROKEN_ENCODERS)
def test_a_broken_encoder_is_told_what_is_wrong(verdict: Verdict, sentence: str) -> None:
    assert verdict(mtlkit.Encoder, BROKEN_ENCODERS[sentence]) == sentence


class Gates(mtlkit.Communicator):
    """The mean of all positions, padding too unless `masked`, with weights times `sign`."""

    sources = "shared"

    def __init__(self, masked: bool = True, sign: float = 1.0, *, state_dim: mtlkit.Runtime[int]) -> None:
        super().__init__()
        self.masked, self.sign = masked, sign
        self.map = nn.Linear(state_dim, state_dim)

    def prepare(self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor) -> Tensor:
        weights_BN = (mask_BT if self.masked else torch.ones_like(mask_BT)).to(sources.dtype)
        return torch.cat([weights_BN.unsqueeze(-1), sources], dim=-1)

    def step(self, time: int, previous_BD: Tensor, memory: Tensor) -> mtlkit.Message:
        weights_BN = self.sign * memory[..., 0]
        masked_BND = memory[..., 1:] * (memory[..., :1] if self.masked else 1)
        return mtlkit.Message(self.map(masked_BND.sum(dim=1)), weights_BN)


def test_communicators() -> None:
    mtlkit.Communicator.register("broken")(Gates)
    check_component(mtlkit.Communicator, {"type": "broken"})
    with pytest.raises(AssertionError, match="changes its outputs"):
        check_component(mtlkit.Communicator, {"type": "broken", "masked": False})
    with pytest.raises(AssertionError, match="its weights are negative"):
        check_component(mtlkit.Communicator, {"type": "broken", "sign": -1.0})


def test_weights_on_padded_sources(verdict: Verdict) -> None:
    class Reports(Gates):
        """masked, sign: as in Gates; the weights that it reports are not those that it uses."""

        def step(self, time: int, previous_BD: Tensor, memory: Tensor) -> mtlkit.Message:
            return super().step(time, previous_BD, memory)._replace(weights_BN=torch.ones_like(memory[..., 0]))

    assert verdict(mtlkit.Communicator, Reports) == "its weights are not zero on padded sources"


def test_heads(verdict: Verdict) -> None:
    class Sum(mtlkit.Head):
        """A sum where a mean is due."""

        target_kind = "label"
        default_metrics = ("accuracy",)

        def __init__(self, *, input_dim: mtlkit.Runtime[int], labels: mtlkit.Runtime[list[str]]) -> None:
            super().__init__()
            self.map = nn.Linear(input_dim, len(labels))

        def _logits(self, states_BTD: Tensor) -> Tensor:
            return self.map(states_BTD[:, 0])

        def loss(self, states_BTD: Tensor, mask_BT: Tensor, targets: Tensor) -> Tensor:
            return nn.functional.cross_entropy(self._logits(states_BTD), targets, ignore_index=-1, reduction="sum")

        def decode(self, states_BTD: Tensor, mask_BT: Tensor) -> mtlkit.Decoded:
            return mtlkit.Decoded(self._logits(states_BTD).argmax(dim=-1))

    class Mean(Sum):
        """A mean, also over nothing."""

        def loss(self, states_BTD: Tensor, mask_BT: Tensor, targets: Tensor) -> Tensor:
            return nn.functional.cross_entropy(self._logits(states_BTD), targets, ignore_index=-1)

    class Tags(Mean):
        """Decisions of another kind."""

        def loss(self, states_BTD: Tensor, mask_BT: Tensor, targets: Tensor) -> Tensor:
            return super().loss(states_BTD, mask_BT, targets).nan_to_num()

        def decode(self, states_BTD: Tensor, mask_BT: Tensor) -> mtlkit.Decoded:
            return mtlkit.Decoded(self.map(states_BTD).argmax(dim=-1))

    sentences = [verdict(mtlkit.Head, Sum)]
    for number, head in enumerate((Mean, Tags)):
        mtlkit.Head.register(f"broken{number}")(head)
        with pytest.raises(AssertionError) as error:
            check_component(mtlkit.Head, {"type": f"broken{number}"})
        sentences.append(str(error.value))
    assert "its loss is not a mean: the same texts twice have another loss than once" in sentences[0]
    assert "without any known target its loss is not 0" in sentences[1]
    assert "its decisions have the shape (4, 7), not (4,)" in sentences[2]


def test_the_table_of_checks_is_sorted() -> None:
    assert [interface.__name__ for interface in CHECKS] == sorted(interface.__name__ for interface in CHECKS)
