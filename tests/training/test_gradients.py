"""Batches that do not fit: taken in parts with the same gradient, or the run ends with a sentence."""

import os
import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtlkit.config import Lazy, Runtime, validate
from mtlkit.data import Corpus, Instance, TaskSplit, Vocabulary
from mtlkit.embedders import WordEmbedder
from mtlkit.encoders import BilstmEncoder, Encoder
from mtlkit.errors import RunError
from mtlkit.heads import Classifier, CrfTagger
from mtlkit.model import SHARED, MultiTaskModel
from mtlkit.sharing import AdversarialSharedPrivate, FullyShared, ModulePool, SharingScheme
from mtlkit.training import EpochEnd, Step, Trainer, TrainerSettings, seed_all
from mtlkit.training.devices import is_out_of_memory
from mtlkit.training.selection import MeanSelection

WORDS = ["good", "bad", "film", "fun", "very"]
LABELS = ["O", "B-x", "I-x"]
TASKS = ("classify", "tag")
VOCABULARY = Vocabulary.of(WORDS, [], {task: LABELS for task in TASKS})
NUM_TEXTS = 12


@pytest.fixture
def narrow(registry: None) -> Lazy[Encoder]:
    """An encoder that runs out of memory where a batch has more than two texts."""

    @Encoder.register("narrow")
    class Narrow(Encoder):
        most = 2

        def __init__(self, *, input_dim: Runtime[int]) -> None:
            super().__init__()
            self.inner = BilstmEncoder(2, input_dim=input_dim)
            self.output_dim = self.inner.output_dim

        def forward(self, states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
            if self.training and len(mask_BT) > self.most:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate a lot")
            inner: Tensor = self.inner(states_BTD, mask_BT)
            return inner

    return Lazy.of(Narrow)


def split(task: str) -> TaskSplit:
    instances = []
    for index in range(NUM_TEXTS):
        words = tuple(WORDS[(index * step) % 5] for step in range(1, 3 + index % 6))
        tags = tuple(LABELS[min(step % 3, 2)] for step in range(len(words)))
        target = tags if task == "tag" else LABELS[index % 3]
        instances.append(Instance(words, target if index % 5 else None))
    return TaskSplit(task, Corpus.from_instances(instances, "tags" if task == "tag" else "label"), VOCABULARY)


def trainer(sharing: SharingScheme, **settings: Any) -> Trainer:
    heads = {
        "classify": Classifier(input_dim=sharing.output_dim, labels=LABELS),
        "tag": CrfTagger(input_dim=sharing.output_dim, labels=LABELS),
    }
    embedder = WordEmbedder(dim=4, vocabulary=VOCABULARY, vectors=None)
    model = MultiTaskModel({SHARED: embedder}, sharing, heads, {"classify": 0.5, "tag": 1.0}).double()
    value = {"epochs": 1, "batch_size": 6, "optimizer": {"type": "sgd", "lr": 0.1}, **settings}
    train = {task: split(task) for task in TASKS}
    return Trainer(model, train, [], [], MeanSelection(), validate(TrainerSettings, value, "f"), 13)


def all_in(run: Trainer) -> tuple[dict[str, Tensor], list[EpochEnd], list[Step]]:
    events = list(run.events())
    ended = [event for event in events if isinstance(event, EpochEnd)]
    return run.model.state_dict(), ended, [event for event in events if isinstance(event, Step)]


SCHEMES: list[tuple[str, dict[str, Any]]] = [
    ("joint", {}),
    ("joint", {"accumulate": 2}),
    ("accumulated", {"update_strategy": {"type": "accumulated", "num_samples": 2}}),
    ("simultaneous", {"update_strategy": {"type": "simultaneous_online", "num_samples": 2}, "accumulate": 2}),
]


@pytest.mark.parametrize(("name", "settings"), SCHEMES, ids=str)
def test_parts_have_the_gradient_of_the_whole(name: str, settings: dict[str, Any], narrow: Lazy[Encoder]) -> None:
    """In float64, over an epoch of plain gradient descent, with texts of unknown target among others."""
    found = []
    for most in (NUM_TEXTS, 2):
        narrow.component.most = most  # type: ignore[attr-defined]
        seed_all(5)
        pool = ModulePool(narrow, 2, 2, input_dim=4, tasks=list(TASKS))
        sharing: SharingScheme = FullyShared(narrow, input_dim=4) if name == "joint" else pool
        found.append(all_in(trainer(sharing, on_out_of_memory="split", **settings)))
    (whole, (whole_end,), _), (parts, (parts_end,), steps) = found
    torch.testing.assert_close(parts, whole, rtol=1e-10, atol=1e-12)
    for task, loss in whole_end.losses.items():
        assert parts_end.losses[task] == pytest.approx(loss, rel=1e-10)
    times = 2 if name == "simultaneous" else 1
    assert parts_end.work["split_batches"] == sum(step.work["split_batches"] for step in steps) == 4 * times
    assert "split_batches" not in whole_end.work
    if (
        name != "joint"
    ):  # rewards take a whole batch, gradients the four parts that fit; tries that failed count nothing
        passes = "separate_module_passes"
        assert parts_end.work[passes] * 2 == whole_end.work[passes] * (1 + 4)


def test_without_leave_to_split_the_run_ends_with_a_sentence(narrow: Lazy[Encoder]) -> None:
    with pytest.raises(RunError, match=r"out of memory in step 1: a batch of 6 texts of \w+, of up to \d words; lower"):
        all_in(trainer(FullyShared(narrow, input_dim=4)))


def test_a_single_text_cannot_be_split(narrow: Lazy[Encoder]) -> None:
    narrow.component.most = 0  # type: ignore[attr-defined]
    with pytest.raises(RunError, match="one text at a time; set the task's max_length"):
        all_in(trainer(FullyShared(narrow, input_dim=4), on_out_of_memory="split"))


def test_losses_of_whole_batches_cannot_be_split(narrow: Lazy[Encoder]) -> None:
    scheme = AdversarialSharedPrivate(narrow, input_dim=4, tasks=list(TASKS))
    with pytest.raises(RunError, match=r"adds losses of a whole batch \(adversarial, difference\); lower batch_size"):
        all_in(trainer(scheme, on_out_of_memory="split"))


def test_other_errors_pass(narrow: Lazy[Encoder], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: Any) -> Tensor:
        raise RuntimeError("something else")

    monkeypatch.setattr(narrow.component, "forward", fails)
    with pytest.raises(RuntimeError, match="something else"):
        all_in(trainer(FullyShared(narrow, input_dim=4), on_out_of_memory="split"))


def test_libraries_without_memory_are_known_by_their_words() -> None:
    for sign in (
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "CUDNN_STATUS_ALLOC_FAILED",
    ):
        assert is_out_of_memory(RuntimeError(sign))
    assert not is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED"))


def test_a_machine_without_memory_is_known_by_its_error() -> None:
    """By a real limit on what the process may have."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, hard))
    try:
        with pytest.raises(RuntimeError) as error:
            torch.empty(2**32)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    assert is_out_of_memory(error.value)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_idle_parts_are_named_once(narrow: Lazy[Encoder], monkeypatch: pytest.MonkeyPatch) -> None:
    """A head whose task has no turn, and a communicator that nothing reads."""
    sharing = FullyShared(Lazy.of(BilstmEncoder, hidden_dim=2), input_dim=4)
    sharing.communicator = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    run = trainer(sharing, epochs=2)
    monkeypatch.setattr(run.sampler, "plan", lambda *given: ["tag"])
    run.steps_per_epoch = 1
    _, (first, second), _ = all_in(run)
    assert first.idle == first.to_json()["idle"] == ["sharing.communicator", "heads.classify"]
    assert second.idle == [] and "idle" not in second.to_json()
