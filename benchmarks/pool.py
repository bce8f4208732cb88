"""What running a batch's sampled paths as a tree saves, against its share of passes through modules: half a minute.

Times the rewards of N paths as the update strategies find them, embeddings and head included, without gradient:
together, and one path after the other. Paths come from a first-order law whose choices are as peaked as those of a
controller that has made up its mind (perplexity 2.2), and from a uniform one. The tree keeps its promise if the share
of time is close to the share of passes.
"""

import random
from collections.abc import Callable
from functools import partial

import torch
from measuring import Row, Timings, at_most, command_line, interleaved, untargeted, write_result
from torch import Tensor

from mtlkit.config import Lazy
from mtlkit.data import Batch, Text, Vocabulary
from mtlkit.embedders import WordEmbedder
from mtlkit.encoders import BilstmEncoder
from mtlkit.heads import Classifier
from mtlkit.model import SHARED, MultiTaskModel
from mtlkit.sharing import ModulePool
from mtlkit.sharing.selectors import ModulePath
from mtlkit.training.update_strategies import Accumulated

NUM_MODULES, DIM, NUM_PATHS = 20, 100, 20
STOPS = (0.35, 0.6, 0.8, 1.0)
"""How likely a path is to stop after 1 to 4 modules."""
NUM_WORDS = 1000
PERPLEXITIES = {"peaked": 2.2, "uniform": 20.0}
CASES = [(20, 8, "peaked"), (100, 16, "peaked"), (20, 8, "uniform")]
"""Steps, rows, law."""
MOST = 1.25
"""The share of time may be so many times the share of passes."""


def law(perplexity: float) -> list[float]:
    """How likely the modules are, from the first choice to the last: each so many times as likely as the next."""
    least, most = 0.0, 1.0
    for _ in range(60):
        factor = (least + most) / 2
        weights = torch.tensor([factor**rank for rank in range(NUM_MODULES)], dtype=torch.float64)
        probabilities = weights / weights.sum()
        reached = float(torch.special.entr(probabilities).sum().exp())
        least, most = (factor, most) if reached < perplexity else (least, factor)
    return [float(probability) for probability in probabilities]


def sample_paths(perplexity: float, generator: random.Random) -> list[ModulePath]:
    """N paths; after each module the others have another order of preference."""
    probabilities = law(perplexity)
    orders = {before: generator.sample(range(NUM_MODULES), NUM_MODULES) for before in range(-1, NUM_MODULES)}
    paths = []
    for _ in range(NUM_PATHS):
        path: list[int] = []
        while not path or generator.random() >= STOPS[len(path) - 1]:
            path += generator.choices(orders[path[-1] if path else -1], probabilities)
        paths.append(tuple(path))
    return paths


def new_model() -> MultiTaskModel:
    """A pool with one task."""
    torch.manual_seed(0)
    vocabulary = Vocabulary.of([f"word{number}" for number in range(NUM_WORDS)], [], {"task": ["no", "yes"]})
    embedder = WordEmbedder(dim=DIM, vocabulary=vocabulary, vectors=None)
    module = Lazy.of(BilstmEncoder, hidden_dim=DIM // 2)
    sharing = ModulePool(module, num_modules=NUM_MODULES, input_dim=DIM, tasks=["task"])
    head = Classifier(input_dim=DIM, labels=["no", "yes"])
    return MultiTaskModel({SHARED: embedder}, sharing, {"task": head}, {"task": 1.0})


def new_batch(num_steps: int, num_rows: int) -> Batch:
    """Random words, from half of T to T of them."""
    mask_BT = torch.arange(num_steps) < torch.linspace(num_steps // 2, num_steps, num_rows).unsqueeze(1)
    words_BT = torch.randint(1, NUM_WORDS, (num_rows, num_steps)).masked_fill(~mask_BT, 0)
    targets_B = torch.randint(2, (num_rows,))
    return Batch("task", Text(mask_BT, {"words": words_BT}), targets_B, torch.arange(num_rows))


@torch.no_grad()
def one_by_one(model: MultiTaskModel, batch: Batch, paths: list[ModulePath]) -> Tensor:
    """(N,) the same rewards, a whole pass for each path."""
    model.eval()
    return -torch.stack([model.loss(batch, path=path).parts["task"] for path in paths])


def measure(num_steps: int, num_rows: int, kind: str, num_samples: int) -> tuple[list[Row], dict[str, object]]:
    """Some samples of paths, each timed once in both ways; what is compared is a whole round of them."""
    model, batch, strategy = new_model(), new_batch(num_steps, num_rows), Accumulated(num_samples=NUM_PATHS)
    samples = [sample_paths(PERPLEXITIES[kind], random.Random(seed)) for seed in range(num_samples)]
    run = 0
    seconds: dict[str, list[float]] = {"together": [], "one_by_one": []}
    for paths in samples:
        torch.testing.assert_close(strategy.rewards(model, batch, paths, "fp32"), one_by_one(model, batch, paths))
        variants: dict[str, Callable[[], object]] = {
            "together": partial(strategy.rewards, model, batch, paths, "fp32"),
            "one_by_one": partial(one_by_one, model, batch, paths),
        }
        for name, found in interleaved(variants, rounds=1).seconds.items():
            seconds[name] += found
        run += model.sharing.num_passes(paths)  # type: ignore[operator]  # a module pool
    passes = run / sum(len(path) for paths in samples for path in paths)
    share = sum(seconds["together"]) / sum(seconds["one_by_one"])
    case = f"N={NUM_PATHS}, {kind} paths (perplexity {PERPLEXITIES[kind]:g}), T={num_steps} B={num_rows}"
    timings = Timings(seconds)
    rows = [
        at_most("pool, reward passes: share of time over share of passes", case, share / passes, MOST),
        untargeted("pool, reward passes: one by one over together", case, timings.ratio("one_by_one", "together")),
    ]
    shares = {"share_of_passes": round(passes, 4), "share_of_time": round(share, 4)}
    return rows, {"case": case, **shares, "milliseconds": timings.milliseconds()}


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "pool", rounds=7)
    found = [measure(*case, arguments.rounds) for case in CASES]
    write_result(arguments, [row for rows, _ in found for row in rows], cases=[details for _, details in found])


if __name__ == "__main__":
    main()
