import torch
from torch import nn

from mtlkit.heads import Classifier

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
