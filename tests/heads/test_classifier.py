from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtlkit.errors import ConfigError
from mtlkit.heads import Classifier
from mtlkit.heads.classifier import AttentionPool
from mtlkit.training.precision import autocast

MASK_BT = torch.tensor([[True, True, True], [True, False, False]])


def build(pool: str) -> Classifier:
    """A classifier whose logits are the pooled states themselves."""
    head = Classifier(pool, input_dim=2, labels=["negative", "positive"])  # type: ignore[arg-type]
    with torch.no_grad():
        head.output.weight.copy_(torch.eye(2))
        head.output.bias.zero_()
    return head


def test_pools_what_it_says() -> None:
    states_BTD = torch.tensor([[[1.0, 0.0], [4.0, 2.0], [1.0, 10.0]], [[3.0, 1.0], [0.0, 9.0], [0.0, 9.0]]])
    expected = {
        "last": [[1.0, 10.0], [3.0, 1.0]],
        "mean": [[2.0, 4.0], [3.0, 1.0]],
        "max": [[4.0, 10.0], [3.0, 1.0]],
    }
    targets_B = torch.tensor([0, 1])
    for pool, logits in expected.items():
        head = build(pool)
        logits_BL = torch.tensor(logits)
        loss = head.loss(states_BTD, MASK_BT, targets_B)
        torch.testing.assert_close(loss, nn.functional.cross_entropy(logits_BL, targets_B))
        decoded = head.decode(states_BTD, MASK_BT)
        assert decoded.ids.tolist() == [1, 0]
        torch.testing.assert_close(decoded.confidence_B, logits_BL.softmax(dim=1).amax(dim=1))


def weighted_means(pool: AttentionPool, states_BTD: Tensor) -> Tensor:
    """The sum of w_t h_t of each row of MASK_BT, with w = softmax of u . tanh(W h_t + q), text by text."""
    means = []
    for states_TD, length in zip(states_BTD, (3, 1), strict=True):
        scores = [
            pool.score.weight[0] @ (pool.from_state.weight @ state_D + pool.from_state.bias).tanh()
            for state_D in states_TD[:length]
        ]
        weights_T = torch.stack(scores).softmax(dim=0)
        means.append((weights_T.unsqueeze(1) * states_TD[:length]).sum(dim=0))
    return torch.stack(means)


def test_attention_is_the_weighted_mean_of_the_valid_states() -> None:
    torch.manual_seed(0)
    pool = AttentionPool(4, 6).double()
    states_BTD = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    leaves = [states_BTD, *pool.parameters()]
    found_BD, expected_BD = pool(states_BTD, MASK_BT), weighted_means(pool, states_BTD)
    torch.testing.assert_close(found_BD, expected_BD)
    found, expected = (torch.autograd.grad(means_BD.sin().sum(), leaves) for means_BD in (found_BD, expected_BD))
    torch.testing.assert_close(found, expected)
    noisy_BTD = states_BTD.masked_fill(~MASK_BT.unsqueeze(2), torch.nan)
    assert torch.equal(pool(noisy_BTD, MASK_BT), found_BD), "padding has no effect"


def test_attention_of_the_classifier_has_the_size_of_the_states_unless_told() -> None:
    def shapes(**settings: Any) -> dict[str, tuple[int, ...]]:
        head = Classifier("attention", input_dim=5, labels=["negative", "positive"], **settings)
        return {name: tuple(each.shape) for name, each in head.named_parameters() if name.startswith("pool.")}

    parts = ("pool.from_state.weight", "pool.from_state.bias", "pool.score.weight")
    assert shapes() == dict(zip(parts, [(5, 5), (5,), (1, 5)], strict=True))
    assert shapes(attention_dim=3) == dict(zip(parts, [(3, 5), (3,), (1, 3)], strict=True))
    with pytest.raises(ConfigError, match=r"head.attention_dim: has no use with pool 'max'; leave it out"):
        Classifier("max", attention_dim=3, input_dim=5, labels=["negative", "positive"])


def test_attention_in_lower_precision_is_near() -> None:
    torch.manual_seed(0)
    pool, states_BTD = AttentionPool(8), torch.randn(2, 3, 8)
    exact_BD = pool(states_BTD, MASK_BT)
    with autocast(torch.device("cpu"), "bf16"):
        near_BD = pool(states_BTD, MASK_BT)
    torch.testing.assert_close(near_BD.float(), exact_BD, atol=0.05, rtol=0.05)
