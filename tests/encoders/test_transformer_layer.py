"""The layer of a Transformer against PyTorch's own, and its rotary positions."""

import pytest
import torch
from torch import Tensor, nn

from mtlkit.encoders.transformer_layer import TransformerLayerEncoder, rotated
from mtlkit.errors import ConfigError

DIM = 6
MASK_BT = torch.arange(5) < torch.tensor([[5], [2], [1]])


def build(**settings: object) -> TransformerLayerEncoder:
    torch.manual_seed(1)
    return TransformerLayerEncoder(**settings, input_dim=DIM).double()  # type: ignore[arg-type]  # as in an experiment


def states() -> Tensor:
    return torch.randn(3, 5, DIM, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def test_without_positions_it_is_pytorchs_layer() -> None:
    encoder = build(heads=3, feedforward_dim=7, positions="none")
    layer = nn.TransformerEncoderLayer(DIM, 3, 7, 0.0, "gelu", batch_first=True, norm_first=True).double()
    names = {
        "self_attn.in_proj_": "queries_keys_values.",
        "self_attn.out_proj.": "attended.",
        "norm1.": "norm_before_attention.",
        "norm2.": "norm_before_feedforward.",
        "linear1.": "expand.",
        "linear2.": "contract.",
    }
    own = encoder.state_dict()
    layer.load_state_dict({old + kind: own[new + kind] for old, new in names.items() for kind in ("weight", "bias")})
    wanted_BTD = layer(states(), src_key_padding_mask=~MASK_BT)
    torch.testing.assert_close(encoder(states(), MASK_BT)[MASK_BT], wanted_BTD[MASK_BT])


@pytest.mark.parametrize("size", [4, 5])
def test_a_rotated_score_depends_on_the_distance_alone(size: int) -> None:
    query_S, key_S = torch.randn(2, size, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    scores_TT = rotated(query_S.expand(1, 1, 9, -1))[0, 0] @ rotated(key_S.expand(1, 1, 9, -1))[0, 0].T
    for distance in range(-8, 9):
        diagonal = scores_TT.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal))
    assert scores_TT[0].unique().numel() == 9, "every distance has a score of its own"


def test_the_order_of_words_counts_with_positions_only() -> None:
    turned = [2, 0, 1, 4, 3]
    mask_BT = torch.ones(3, 5, dtype=torch.bool)
    for positions, same in (("none", True), ("rotary", False)):
        encoder = build(heads=2, positions=positions)
        found, other = encoder(states(), mask_BT), encoder(states()[:, turned], mask_BT)
        assert torch.allclose(found[:, turned], other) == same


def test_dropout_is_for_training_only() -> None:
    encoder = build(heads=2, dropout=0.5)
    assert not torch.equal(encoder(states(), MASK_BT), encoder(states(), MASK_BT))
    encoder.eval()
    assert torch.equal(encoder(states(), MASK_BT), encoder(states(), MASK_BT))


@pytest.mark.parametrize(("heads", "remedy"), [(4, 3), (5, 6), (7, 6)])
def test_heads_that_do_not_fit_are_refused_with_a_number_that_does(heads: int, remedy: int) -> None:
    with pytest.raises(
        ConfigError, match=rf"^heads: {heads} heads cannot share .* of 6 numbers evenly; take {remedy}$"
    ):
        build(heads=heads, positions="none")
    build(heads=remedy, positions="none")


def test_heads_of_one_number_cannot_be_rotated() -> None:
    with pytest.raises(ConfigError, match=r"^heads: .* a head has one, which cannot be rotated; take fewer heads$"):
        build(heads=DIM)
    build(heads=DIM, positions="none")
