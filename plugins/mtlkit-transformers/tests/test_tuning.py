"""Training with a tuned encoder equals a plain loop of PyTorch and `transformers`.

Shapes: B texts, H size of a state.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import mtlkit
from mtlkit.data import Batch
from mtlkit.model import MultiTaskModel
from mtlkit.training.optimization import Optimization
from tests.generated_texts import write_corpus

from .conftest import WORDS

EPOCHS, STEPS, WARMUP, CLIP = 4, 20, 0.2, 0.5
ENCODER_LR, HEAD_LR, DECAY = 2e-3, 1e-2, 0.1
HEAD, ENCODER = "heads.books.output.", "embedders.shared.encoder."
NO_DECAY = ("bias", "LayerNorm.weight")
Names = dict[str, Tensor]


@dataclass
class Seen:
    """What happened in a run of mtlkit."""

    at_first: Names = field(default_factory=dict)
    at_last: Names = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)


@pytest.fixture
def without_dropout(encoders: dict[str, Path], tmp_path: Path) -> Path:
    """An encoder without dropout, whose draws two programs do not share."""
    folder = Path(shutil.copytree(encoders["word_pieces"], tmp_path / "encoder"))
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return folder


def train(experiment: dict[str, Any], directory: Path, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Trains, and notes batches, losses, and the parameters before the first and after the last step."""
    seen, models = Seen(), []
    loss_of, apply = MultiTaskModel.loss, Optimization.apply

    def loss(self: MultiTaskModel, batch: Batch, **options: Any) -> Any:
        found = loss_of(self, batch, **options)
        if self.training:
            models.append(self)
            seen.at_first = seen.at_first or {name: each.detach().clone() for name, each in self.named_parameters()}
            seen.batches.append(batch)
            seen.losses.append(float(found.total.detach()))
        return found

    def step(self: Optimization) -> None:
        apply(self)
        seen.at_last = {name: each.detach().clone() for name, each in models[-1].named_parameters()}

    with monkeypatch.context() as patch:
        patch.setattr(MultiTaskModel, "loss", loss)
        patch.setattr(Optimization, "apply", step)
        mtlkit.train(experiment, directory)
    return seen


def plainly(folder: Path, texts: list[list[str]], seen: Seen) -> tuple[Names, list[float]]:
    """Trains on the same batches without mtlkit; returns the parameters at the end, and the loss of each step."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    encoder = AutoModel.from_pretrained(folder, add_pooling_layer=False).train()
    head = nn.Linear(encoder.config.hidden_size, 2)
    head.load_state_dict({name: seen.at_first[HEAD + name] for name in ("weight", "bias")})
    named = {ENCODER + name: each for name, each in encoder.named_parameters()}
    named |= {HEAD + name: each for name, each in head.named_parameters()}
    rates = {name: ENCODER_LR if name.startswith(ENCODER) else HEAD_LR for name in named}
    groups = [
        {"params": [each], "lr": rates[name], "weight_decay": 0.0 if name.endswith(NO_DECAY) else DECAY}
        for name, each in named.items()
    ]
    optimizer = torch.optim.AdamW(groups)
    losses = []
    for step, batch in enumerate(seen.batches):
        rising = WARMUP * STEPS
        factor = (step + 1) / (rising + 1) if step < rising else (STEPS - step) / (STEPS - rising)
        for group, rate in zip(optimizer.param_groups, rates.values(), strict=True):
            group["lr"] = rate * factor
        chosen = [texts[number] for number in batch.indices_B.tolist()]
        loss = F.cross_entropy(head(torch.stack([mean_of(encoder, tokenizer, text) for text in chosen])), batch.targets)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(named.values(), CLIP)
        optimizer.step()
        losses.append(float(loss.detach()))
    return {name: each.detach() for name, each in named.items()}, losses


def mean_of(encoder: nn.Module, tokenizer: Any, text: list[str]) -> Tensor:
    """The mean (H,) over words of the mean over their pieces."""
    encoded = tokenizer(text, is_split_into_words=True, return_tensors="pt")
    states_PH = encoder(**encoded).last_hidden_state[0]
    words = encoded.word_ids(0)
    places = [[place for place, word in enumerate(words) if word == number] for number in range(len(text))]
    return torch.stack([states_PH[own].mean(0) for own in places]).mean(0)


def test_tuning_equals_a_plain_loop(
    without_dropout: Path,
    experiment_of: Callable[..., dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same batches in the same order with the recipe of docs/pretrained-encoders.md, for 20 steps."""
    write_corpus(tmp_path / "train.tsv", STEPS // EPOCHS * 4, 5, *WORDS)
    experiment = experiment_of(without_dropout, dropout=0.0)
    books = experiment["tasks"]["books"] | {"train": str(tmp_path / "train.tsv")}
    experiment["tasks"] = {"books": books}
    groups = [
        {"pattern": r"^embedders\..*(bias|[Nn]orm\.weight)", "lr": ENCODER_LR, "weight_decay": 0},
        {"pattern": r"^embedders\.", "lr": ENCODER_LR},
        {"pattern": "bias", "weight_decay": 0},
    ]
    experiment["trainer"] = {
        "epochs": EPOCHS,
        "batch_size": 4,
        "optimizer": {"type": "adamw", "lr": HEAD_LR, "weight_decay": DECAY, "groups": groups},
        "schedule": {"type": "linear", "warmup": WARMUP},
        "gradient_clip": CLIP,
    }
    seen = train(experiment, tmp_path / "run", monkeypatch)
    assert len(seen.losses) == STEPS

    lines = (tmp_path / "train.tsv").read_text("utf-8").splitlines()
    expected, losses = plainly(without_dropout, [line.partition("\t")[2].split() for line in lines], seen)
    assert losses == pytest.approx(seen.losses, rel=1e-4) and min(losses[-5:]) < losses[0]
    assert expected.keys() == seen.at_last.keys()
    for name, parameter in expected.items():
        if not name.endswith("key.bias"):  # whose gradients are zero but for rounding, which Adam makes into steps
            torch.testing.assert_close(seen.at_last[name], parameter, rtol=1e-3, atol=2e-5, msg=name)
