"""How the time of one training step grows: with tasks K, words T, texts B and sampled paths N. A minute.

A step is what the trainer does with a batch of one task: loss, gradients, Adam. The models are small ones, all
sizes 100, so that it is the sharing scheme whose growth shows. Points of one curve take turns.

Shapes: B batch, T time steps.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from measuring import Row, command_line, interleaved, untargeted, write_result

from mtlkit.config import Lazy
from mtlkit.data import Batch, Text, Vocabulary
from mtlkit.embedders import WordEmbedder
from mtlkit.heads import Classifier
from mtlkit.model import SHARED, MultiTaskModel
from mtlkit.sharing import MessagePassing, ModulePool
from mtlkit.sharing.communicators import Communicator, DirectCommunicator, IndirectCommunicator
from mtlkit.training import Optimization, UpdateStrategy
from mtlkit.training.optimizers import Adam
from mtlkit.training.update_strategies import Accumulated, Joint

DIM, NUM_WORDS = 100, 1000
KINDS: Mapping[str, type[Communicator]] = {"direct": DirectCommunicator, "indirect": IndirectCommunicator}

Step = Callable[[], object]


def passing(kind: str, num_tasks: int = 4, num_steps: int = 60, num_rows: int = 8) -> Step:
    """A training step of message passing."""
    tasks = [f"task{number}" for number in range(num_tasks)]
    sharing = MessagePassing(Lazy.of(KINDS[kind]), hidden_dim=DIM, input_dim=DIM, tasks=tasks)
    return training_step(sharing, tasks, Joint(), num_steps, num_rows)


def searching(num_samples: int, num_steps: int = 20, num_rows: int = 8) -> Step:
    """A training step of the pool, along so many paths of a controller that has learned nothing yet."""
    pool = ModulePool(input_dim=DIM, tasks=["task0"])
    return training_step(pool, ["task0"], Accumulated(num_samples=num_samples), num_steps, num_rows)


def training_step(
    sharing: torch.nn.Module, tasks: list[str], update: UpdateStrategy, num_steps: int, num_rows: int
) -> Step:
    """A step of a model on one batch of the first task, texts of T / 2 to T words."""
    torch.manual_seed(0)
    vocabulary = Vocabulary.of(map(str, range(NUM_WORDS)), [], {task: ["no", "yes"] for task in tasks})
    embedder = WordEmbedder(dim=DIM, vocabulary=vocabulary, vectors=None)
    heads = {task: Classifier(input_dim=DIM, labels=["no", "yes"]) for task in tasks}
    model = MultiTaskModel({SHARED: embedder}, sharing, heads, dict.fromkeys(tasks, 1.0))  # type: ignore[arg-type]
    parameters = update.prepare(model, {}, None)
    optimization = Optimization(Adam().create(parameters), parameters, None)
    mask_BT = torch.arange(num_steps) < torch.linspace(num_steps // 2, num_steps, num_rows).unsqueeze(1)
    words_BT = torch.randint(1, NUM_WORDS, (num_rows, num_steps)).masked_fill(~mask_BT, 0)
    batch = Batch(tasks[0], Text(mask_BT, {"words": words_BT}), torch.randint(2, (num_rows,)), torch.arange(num_rows))
    return partial(update.step, model, [batch], optimization, "fp32")


CURVES: Mapping[str, tuple[str, Callable[[int], Step], Sequence[int]]] = {
    "direct communication, K": ("T=60 B=8", lambda size: passing("direct", num_tasks=size), (2, 4, 8, 16)),
    "direct communication, T": ("K=4 B=8", lambda size: passing("direct", num_steps=size), (20, 60, 130, 260)),
    "indirect communication, T": ("B=8", lambda size: passing("indirect", num_steps=size), (20, 60, 130, 260)),
    "direct communication, B": ("K=4 T=60", lambda size: passing("direct", num_rows=size), (4, 8, 16, 32, 64)),
    "indirect communication, B": ("T=60", lambda size: passing("indirect", num_rows=size), (4, 8, 16, 32, 64)),
    "module pool, N": ("T=20 B=8", searching, (2, 5, 10, 20)),
}
"""What stays, how the step of a size is made, and the sizes."""


def measure(name: str, rounds: int) -> tuple[Row, dict[str, object]]:
    """The row of a curve, and its points."""
    rest, make, sizes = CURVES[name]
    timings = interleaved({str(size): make(size) for size in sizes}, rounds)
    points = {size: timings.median(str(size)) for size in sizes}
    times = ", ".join(f"{1000 * seconds:.3g}" for seconds in points.values())
    case = f"{name} = {', '.join(map(str, sizes))} ({rest})"
    row = untargeted("one training step, milliseconds", case, times)
    return row, {"curve": name, "rest": rest, "milliseconds": timings.milliseconds()}


def main() -> None:
    """Measures every curve and writes the result."""
    arguments = command_line(__doc__, "scaling", rounds=3)
    found = [measure(name, arguments.rounds) for name in CURVES]
    write_result(arguments, [row for row, _ in found], curves=[details for _, details in found])


if __name__ == "__main__":
    main()
