"""Training steps of models of given sizes, and the processes that share them: what the cost model is held against.

seconds_of_both = in_processes(timed, setting)    # calls timed(group, setting) in two connected processes
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from step_costs import Setting
from torch.multiprocessing import start_processes

from mtlkit.config import Lazy
from mtlkit.data import Batch, Text, Vocabulary
from mtlkit.embedders import WordEmbedder
from mtlkit.encoders import LstmEncoder
from mtlkit.heads import Classifier
from mtlkit.kernels.compute import Compute, Kernels, hand_down
from mtlkit.model import SHARED, MultiTaskModel
from mtlkit.process.group import Group
from mtlkit.process.ranks import ONE, Ranks
from mtlkit.sharing import FullyShared, MessagePassing, SharingScheme
from mtlkit.sharing.communicators import DirectCommunicator, IndirectCommunicator
from mtlkit.training import Optimization
from mtlkit.training.optimizers import Adam
from mtlkit.training.shared_tables import SharedTables
from mtlkit.training.update_strategies import Joint

SECONDS = 300.0
"""How long a process waits for the other one."""
SPECIAL_ROWS = 2
"""Rows of a word table for padding and unknown words."""


def scheme_of(setting: Setting, tasks: list[str]) -> SharingScheme:
    """The sharing scheme of a setting."""
    if setting.scheme == "shared":
        return FullyShared(Lazy.of(LstmEncoder, hidden_dim=setting.hidden_dim), input_dim=setting.input_dim)
    communicator: Any = IndirectCommunicator if setting.scheme == "indirect" else DirectCommunicator
    return MessagePassing(
        Lazy.of(communicator), hidden_dim=setting.hidden_dim, input_dim=setting.input_dim, tasks=tasks
    )


def step_of(setting: Setting, ranks: Ranks = ONE, kernels: Kernels = "auto") -> Callable[[], object]:
    """A training step on one batch of the first task: loss, gradients, their exchange, Adam, and whether to stop."""
    torch.manual_seed(0)
    tasks = [f"task{number}" for number in range(setting.num_tasks)]
    labels = [f"label{number}" for number in range(setting.num_labels)]
    words = map(str, range(setting.num_rows - SPECIAL_ROWS))
    vocabulary = Vocabulary.of(words, [], {task: labels for task in tasks})
    embedder = WordEmbedder(dim=setting.input_dim, vocabulary=vocabulary, vectors=None)
    sharing = scheme_of(setting, tasks)
    heads = {task: Classifier(input_dim=sharing.output_dim, labels=labels) for task in tasks}
    model = MultiTaskModel({SHARED: embedder}, sharing, heads, dict.fromkeys(tasks, 1.0))
    hand_down(model, replace(Compute(kernels), ranks=ranks))
    update = Joint()
    parameters = update.prepare(model, {}, None)
    tables = SharedTables.of(model, parameters)
    optimization = Optimization(Adam().create(parameters), parameters, None, ranks=ranks, tables=tables)
    words_BT = words_of(setting)
    targets_B = torch.randint(setting.num_labels, words_BT.shape[:1])
    text = Text(torch.ones_like(words_BT, dtype=torch.bool), {"words": words_BT})
    batch = Batch(tasks[0], text, targets_B, torch.arange(setting.num_texts))

    def step() -> None:
        update.step(model, [batch], optimization, "fp32")
        ranks.signal_of_steps(None)

    return step


def words_of(setting: Setting) -> torch.Tensor:
    """The words of the batch, (B, T), each drawn from all but padding."""
    shape = setting.num_texts, setting.num_words
    return torch.randint(1, setting.num_rows, shape, generator=torch.Generator().manual_seed(0))


def num_read(setting: Setting) -> int:
    """How many rows of the word table the batch has."""
    return len(words_of(setting).unique())


def in_processes(function: Callable[..., Any], *arguments: Any, number: int = 2) -> list[Any]:
    """What a function returns in each of some processes that gloo connects, with one thread each.

    Args:
        function: of a module, so that another process finds it; its first argument is the `Group`.
    """
    with tempfile.TemporaryDirectory() as folder:
        get_context("forkserver").set_forkserver_preload([__name__])  # imports once, and not in each process
        work = partial(_work, function=function, arguments=arguments)
        start_processes(work, (number, folder), number, start_method="forkserver")
        return [torch.load(Path(folder) / f"{rank}.pt", weights_only=False) for rank in range(number)]


def _work(rank: int, number: int, folder: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    store = dist.FileStore(f"{folder}/store", number)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=number)
    group = Group(dist.PrefixStore("steps", store), rank, number, torch.device("cpu"), SECONDS)
    torch.save(function(group, *arguments), f"{folder}/{rank}.pt")
    group.finish()
    group.close()
    dist.destroy_process_group()
