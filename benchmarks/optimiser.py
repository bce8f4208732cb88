"""What fused optimisers save over a large embedding: 10 seconds.

One step of mtlkit's Adam, AdamW and SGD over a dense 19,000 x 100 embedding and the LSTMs of a small tagger, with every
gradient there, against PyTorch's own default form of the same optimiser. Both must come to the same weights first.
"""

from functools import partial

import torch
from measuring import command_line, interleaved, untargeted, write_result
from torch import nn

from mtlkit.config import Lazy
from mtlkit.training import Optimizer
from mtlkit.training.optimizers import SGD, Adam, AdamW

ROWS, DIM = 19_000, 100
CASE = f"embedding {ROWS:,} x {DIM}"


def new_parameters() -> list[nn.Parameter]:
    """Parameters of an embedding and a bidirectional LSTM, with random gradients."""
    torch.manual_seed(0)
    modules = [nn.Embedding(ROWS, DIM), nn.LSTM(DIM, DIM, bidirectional=True)]
    parameters = [parameter for module in modules for parameter in module.parameters()]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    return parameters


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "optimiser", rounds=9)
    pairs: dict[str, tuple[Lazy[Optimizer], type[torch.optim.Optimizer]]] = {
        "adam": (Lazy.of(Adam, lr=1e-3), torch.optim.Adam),
        "adamw": (Lazy.of(AdamW, lr=1e-3), torch.optim.AdamW),
        "sgd": (Lazy.of(SGD, lr=1e-3), torch.optim.SGD),
    }
    rows, milliseconds = [], {}
    for name, (lazy, plain) in pairs.items():
        parameters = {form: new_parameters() for form in ("fused", "default")}
        steps = {
            "fused": lazy.build().create(parameters["fused"]).step,
            "default": partial(plain(parameters["default"], lr=1e-3).step),
        }
        for step in steps.values():
            step()
        torch.testing.assert_close(parameters["fused"], parameters["default"])
        timings = interleaved(steps, arguments.rounds)
        what = f"{name} step, PyTorch's default form over mtlkit's"
        rows.append(untargeted(what, CASE, timings.ratio("default", "fused")))
        milliseconds[name] = timings.milliseconds()
    write_result(arguments, rows, milliseconds=milliseconds)


if __name__ == "__main__":
    main()
