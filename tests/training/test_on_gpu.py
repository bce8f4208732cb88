"""Steps on a GPU: nothing in them waits for it, and the numbers are those of a CPU."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from mtlkit.config import Lazy, validate
from mtlkit.data import Corpus, Instance, TaskSplit, Vocabulary
from mtlkit.embedders import WordEmbedder
from mtlkit.encoders import BilstmEncoder
from mtlkit.errors import DivergedError
from mtlkit.heads import Classifier, CrfTagger, Head
from mtlkit.model import SHARED, MultiTaskModel
from mtlkit.sharing import FullyShared
from mtlkit.training import EpochEnd, EvaluationTask, Step, Trainer, TrainerSettings, seed_all
from mtlkit.training.selection import MeanSelection

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

WORDS = ["good", "bad", "film", "fun", "very"]
LABELS = ["O", "B-x", "I-x"]
HEADS: dict[str, type[Any]] = {"classify": Classifier, "tag": CrfTagger}
VOCABULARY = Vocabulary.of(WORDS, [], {task: LABELS for task in HEADS})
NUM_TEXTS = 24


@pytest.fixture(autouse=True)
def watched() -> Iterator[None]:
    yield
    torch.cuda.set_sync_debug_mode("default")


def split(task: str, device: str) -> TaskSplit:
    instances = []
    for index in range(NUM_TEXTS):
        words = tuple(WORDS[(index * step) % 5] for step in range(1, 3 + index % 6))
        tags = tuple(LABELS[min(step % 3, 2)] for step in range(len(words)))
        instances.append(Instance(words, tags if task == "tag" else LABELS[index % 3]))
    corpus = Corpus.from_instances(instances, "tags" if task == "tag" else "label")
    return TaskSplit(task, corpus, VOCABULARY, device=device)


def trainer(device: str, **settings: Any) -> Trainer:
    seed_all(3)
    embedder = WordEmbedder(dim=8, vocabulary=VOCABULARY, vectors=None)
    sharing = FullyShared(Lazy.of(BilstmEncoder, hidden_dim=4), input_dim=8)
    heads: dict[str, Head] = {task: head(input_dim=8, labels=LABELS) for task, head in HEADS.items()}
    model = MultiTaskModel({SHARED: embedder}, sharing, heads, dict.fromkeys(HEADS, 1.0)).to(device)
    value = {"epochs": 1, "batch_size": 4, "optimizer": {"type": "adam", "lr": 0.05}, **settings}
    dev: list[EvaluationTask] = []
    train = {task: split(task, device) for task in HEADS}
    return Trainer(model, train, dev, dev, MeanSelection(), validate(TrainerSettings, value, "f"), 13)


@pytest.mark.parametrize(
    "settings",
    [
        *({}, {"accumulate": 2, "batch_tokens": 20}, {"precision": "bf16"}, {"gradient_clip": None}),
        *({"on_nonfinite": "skip"}, {"on_out_of_memory": "split"}),
    ],
    ids=str,
)
def test_no_step_waits_for_the_device(settings: dict[str, Any]) -> None:
    events = trainer("cuda", **settings).events()
    next(events)  # the optimiser makes its state
    torch.cuda.set_sync_debug_mode("error")
    for _ in range(4):
        assert isinstance(next(events), Step)


@pytest.mark.parametrize("policy", ["stop", "skip", "raise"])
def test_an_unsound_step_is_found_and_leaves_nothing(policy: str) -> None:
    run = trainer("cuda", on_nonfinite=policy, epochs=2)
    events = run.events()
    next(events)
    bias = run.model.head("classify").output.bias
    hook = bias.register_hook(lambda gradient: gradient * torch.inf)
    if policy == "skip":
        before = bias.clone()
        while isinstance(next(events), Step):
            assert torch.equal(bias, before)
        hook.remove()
        assert all(isinstance(event, EpochEnd) or event.epoch == 2 for event in events)
        assert not torch.equal(bias, before)
    else:
        with pytest.raises(
            DivergedError if policy == "stop" else FloatingPointError, match="of classify's train split"
        ):
            list(events)


def test_cosines_of_gradients_are_those_of_a_cpu() -> None:
    """cuDNN has no way back in evaluation mode, in which records look at a model."""
    records = [{"type": "sharing"}, {"type": "gradient_cosine"}]
    recorded = [list(trainer(device, records=records).events())[-1].recorded for device in ("cuda", "cpu")]
    (on_gpu,), (on_cpu,) = ([*said.values()] for said in recorded if said is not None)
    assert on_gpu["tasks"] == on_cpu["tasks"] == list(HEADS)
    for found, expected in zip(on_gpu["cosines"], on_cpu["cosines"], strict=True):
        assert found == pytest.approx(expected, abs=1e-2)


def test_an_epoch_comes_to_the_numbers_of_a_cpu() -> None:
    on_gpu, on_cpu = trainer("cuda"), trainer("cpu")
    losses = [list(run.events())[-1].losses for run in (on_gpu, on_cpu)]
    for task in HEADS:
        assert losses[0][task] == pytest.approx(losses[1][task], rel=1e-3)
