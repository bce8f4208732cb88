import torch
from torch.nn import functional as F

from mtlkit.sharing.communicators.additive_attention import AdditiveAttention


def test_one_step_against_the_concatenated_form() -> None:
    torch.manual_seed(0)
    attention = AdditiveAttention(input_dim=3, state_dim=4, attention_dim=7).double()
    x_BE, h_BD, m_BND = (torch.randn(*shape, dtype=torch.float64) for shape in [(2, 3), (2, 4), (2, 5, 4)])
    W = torch.cat([attention.from_input.weight, attention.from_state.weight, attention.from_source.weight], dim=1)
    scores_BN = torch.empty(2, 5, dtype=torch.float64)
    for row in range(2):
        for n in range(5):
            joined = torch.cat([x_BE[row], h_BD[row], m_BND[row, n]])
            scores_BN[row, n] = attention.score.weight[0] @ torch.tanh(W @ joined)

    message = attention(attention.queries(x_BE), h_BD, attention.keys(m_BND), m_BND)

    torch.testing.assert_close(message.weights_BN, F.softmax(scores_BN, dim=-1))
    torch.testing.assert_close(message.content_BM, torch.einsum("bn,bnd->bd", message.weights_BN, m_BND))


def test_attention_dim_defaults_to_the_state_size() -> None:
    assert AdditiveAttention(input_dim=3, state_dim=4).score.weight.shape == (1, 4)


def test_padding_has_no_weight_and_no_gradient() -> None:
    attention = AdditiveAttention(input_dim=3, state_dim=4)
    m_BND = torch.randn(2, 5, 4, requires_grad=True)
    padding_BN = torch.tensor([[False, False, True, True, True], [False, False, False, False, True]])
    message = attention(
        attention.queries(torch.randn(2, 3)), torch.randn(2, 4), attention.keys(m_BND), m_BND, padding_BN
    )
    message.content_BM.sum().backward()
    assert m_BND.grad is not None
    torch.testing.assert_close(message.weights_BN.sum(dim=-1), torch.ones(2))
    assert not message.weights_BN[padding_BN].any()
    assert not m_BND.grad[padding_BN].any()
    assert m_BND.grad[~padding_BN].all()
