import pytest
import torch

from mtlkit.encoders import CnnEncoder


@pytest.mark.parametrize(("width", "left", "right"), [(1, 0, 0), (2, 0, 1), (3, 1, 1), (4, 1, 2), (5, 2, 2)])
def test_each_state_is_the_filtered_window_around_its_word(width: int, left: int, right: int) -> None:
    encoder = CnnEncoder(filters=4, width=width, input_dim=3).double()
    states_TE = torch.randn(6, 3, dtype=torch.float64)
    found_BTD = encoder(states_TE.unsqueeze(0), torch.ones(1, 6, dtype=torch.bool))
    nothing = torch.zeros(1, 3, dtype=torch.float64)
    padded = torch.cat([nothing.repeat(left, 1), states_TE, nothing.repeat(right, 1)])
    for step in range(6):
        window_ET = padded[step : step + width].T
        expected_D = (encoder.convolution.weight * window_ET).sum(dim=(1, 2)) + encoder.convolution.bias
        torch.testing.assert_close(found_BTD[0, step], expected_D.relu())
