"""Settings of a tuned encoder's training: what they change, and what they do not.

Shapes: B texts, T words, L layers, H size of a state.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mtlkit_transformers import BottleneckAdapter, TransformerEmbedder
from mtlkit_transformers.configuration import KINDS, checked_config
from mtlkit_transformers.encoder import empty_encoder, input_vectors
from mtlkit_transformers.tuning import drop_layers, recompute_layers
from torch import Tensor

import mtlkit
from mtlkit.config import Lazy
from mtlkit.data import Corpus, Instance, TaskSplit, Vocabulary, bucketed_order
from mtlkit.errors import ConfigError
from mtlkit.testing import TASKS, check_component
from mtlkit.testing.modules import runtime
from tests.interrupted_runs import check_same_weights, interrupted_at

from .conftest import Ended
from .test_runs import succeeds, write
from .test_states import TEXTS, embedder, text_of

ONE_LAYER, NOT_RECOMPUTED = {"albert"}, {"albert", "mpnet"}
IDS = torch.tensor([[5, 6, 7, 8], [9, 8, 7, 1]])
MASK = (IDS != 1).long()


def encoder_of(kind: str) -> Any:
    value = {"model_type": kind, "vocab_size": 60, "max_position_embeddings": 20, "pad_token_id": 1}
    sizes = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24}
    torch.manual_seed(1)
    return empty_encoder(checked_config(json.dumps(value | sizes)))


def gradients(module: torch.nn.Module, run: Callable[[], Tensor]) -> list[Tensor | None]:
    torch.manual_seed(4)  # of dropout
    module.zero_grad()
    output = run()
    (output * torch.linspace(-1, 2, output.numel(), dtype=output.dtype).view_as(output)).sum().backward()
    return [output.detach(), *(None if each.grad is None else each.grad.clone() for each in module.parameters())]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_recomputed_layers_give_the_same_bits(kind: str) -> None:
    """With dropout, and on both sides of a layer that needs no gradients."""
    encoder = encoder_of(kind).train()

    def run() -> Tensor:
        states: Tensor = encoder(input_ids=IDS, attention_mask=MASK, output_hidden_states=True).last_hidden_state
        return states

    kept = gradients(encoder, run)
    if kind in NOT_RECOMPUTED:
        with pytest.raises(ConfigError, match="cannot be trained with `gradient_checkpointing`"):
            recompute_layers(encoder)
        return
    recompute_layers(encoder)
    found = gradients(encoder, run)
    assert all(torch.equal(*pair) for pair in zip(kept, found, strict=True) if pair[0] is not None)
    assert [each is None for each in kept] == [each is None for each in found]


def test_recomputed_layers_keep_less(encoders: dict[str, Path]) -> None:
    kept = []
    for recomputing in (False, True):
        built = embedder(encoders["word_pieces"], gradient_checkpointing=recomputing).train()
        numbers = 0

        def count(tensor: Tensor) -> Tensor:
            nonlocal numbers
            numbers += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            built(text_of(TEXTS, built))
        kept.append(numbers)
    assert kept[1] < kept[0] / 2


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_layer_that_is_left_out_passes_its_input_on(kind: str) -> None:
    encoder = encoder_of(kind)
    names = [name for name, _ in encoder.named_parameters()]
    if kind in ONE_LAYER:
        with pytest.raises(ConfigError, match="one layer many times"):
            drop_layers(encoder, 0.5)
        return
    with torch.no_grad():
        expected = encoder.eval()(input_ids=IDS, attention_mask=MASK).last_hidden_state
        drop_layers(encoder, 1.0)
        assert torch.equal(encoder.eval()(input_ids=IDS, attention_mask=MASK).last_hidden_state, expected)
        encoder.train()
        for module in encoder.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        *below, last = encoder(input_ids=IDS, attention_mask=MASK, output_hidden_states=True).hidden_states
    assert all(torch.equal(below[0], each) for each in below) and last.shape == expected.shape
    assert [name for name, _ in encoder.named_parameters()] == names


@pytest.mark.parametrize("recomputing", [False, True])
def test_layers_are_left_out_as_often_as_is_set(encoders: dict[str, Path], recomputing: bool) -> None:
    built = embedder(encoders["word_pieces"], layer_dropout=0.25, gradient_checkpointing=recomputing).train()
    assert built.leaves_out_parameters
    text, idle, steps = text_of(TEXTS[:1], built), 0, 60
    torch.manual_seed(2)
    layers = next(each for each in built.encoder.modules() if isinstance(each, torch.nn.ModuleList))
    for _ in range(steps):
        built.zero_grad()
        built(text).square().sum().backward()
        idle += sum(next(layer.parameters()).grad is None for layer in layers)
    assert 0.15 < idle / (steps * len(layers)) < 0.35
    states = built.eval()(text)
    assert torch.equal(states, embedder(encoders["word_pieces"])(text_of(TEXTS[:1], built)))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_vectors_of_data_sets_are_added_to_those_of_pieces(kind: str) -> None:
    """With zeros, states are those of the ids, so that positions do not depend on how pieces are given."""
    encoder = encoder_of(kind).eval()
    vectors = input_vectors(encoder)
    with torch.no_grad():
        expected = encoder(input_ids=IDS, attention_mask=MASK).last_hidden_state
        found = encoder(inputs_embeds=vectors(IDS), attention_mask=MASK).last_hidden_state
    torch.testing.assert_close(found[MASK.bool()], expected[MASK.bool()], rtol=0, atol=1e-6)


def with_tasks(folder: Path, **settings: Any) -> TransformerEmbedder:
    lazy = Lazy.of(TransformerEmbedder, model=str(folder), **settings)
    return lazy.build(vocabulary=None, vectors=None, fresh=True, tasks=TASKS).eval()


def test_each_data_set_has_a_vector(encoders: dict[str, Path]) -> None:
    built = with_tasks(encoders["byte_pairs"], dataset_embeddings={"one": "web", "three": "web"})
    plain = embedder(encoders["byte_pairs"])
    assert built.datasets is not None
    assert [name for name, _ in built.datasets.named_parameters()] == ["of_web", "of_two"]
    texts = {task: replace(text_of(TEXTS, built), task=task) for task in TASKS}
    torch.testing.assert_close(built(texts["one"]), plain(text_of(TEXTS, plain)), rtol=0, atol=1e-6)
    built(texts["two"]).square().sum().backward()
    moved = {name: each.grad is not None for name, each in built.datasets.named_parameters()}
    assert moved == {"of_web": False, "of_two": True}
    with torch.no_grad():
        built.datasets.get_parameter("of_web").normal_()
    first, second, third = (built(texts[task]) for task in TASKS)
    assert torch.equal(first, third) and not torch.allclose(first, second, atol=1e-3)


@pytest.mark.parametrize(
    "settings", [{"dataset_embeddings": True}, {"layer_dropout": 0.4, "gradient_checkpointing": True}], ids=str
)
def test_they_keep_the_promises_of_embedders(encoders: dict[str, Path], settings: dict[str, Any]) -> None:
    lazy = Lazy.of(TransformerEmbedder, model=str(encoders["word_pieces"]))
    assert runtime(lazy)["tasks"] == list(TASKS)
    if "layer_dropout" in settings:  # a step may leave a layer out, and the check asks for a gradient of each
        settings["layer_dropout"] = 1e-9
    check_component(mtlkit.Embedder, {"type": "transformer", "model": str(encoders["word_pieces"]), **settings})


@pytest.mark.parametrize(
    "settings", [{"dataset_embeddings": True}, {"layer_dropout": 0.1}, {"gradient_checkpointing": True}], ids=str
)
def test_a_frozen_encoder_has_no_training_to_set(encoders: dict[str, Path], settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"`{next(iter(settings))}` is for an encoder that is trained"):
        with_tasks(encoders["word_pieces"], trainable=False, **settings)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"keep_as": "bfloat16"}, "keep_as: only states of a frozen encoder"),
        ({"keep_as": "bfloat16", "trainable": False, "adapters": Lazy.of(BottleneckAdapter)}, "keep_as: only states"),
        ({"adapters": Lazy.of(BottleneckAdapter)}, "set trainable: false"),
        ({"long_texts": "cut", "overlap": 3}, "overlap: is of the windows"),
    ],
    ids=str,
)
def test_settings_without_an_effect_are_refused(encoders: dict[str, Path], settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        with_tasks(encoders["word_pieces"], **settings)


def test_batches_are_sorted_and_limited_by_pieces(encoders: dict[str, Path]) -> None:
    built = embedder(encoders["word_pieces"])
    corpus = Corpus.from_instances([Instance(tuple(filter(None, text)), "x") for text in TEXTS], "label")
    vocabulary = Vocabulary.of(words=["a"], characters=["a"], labels={"one": ["x"]})
    split = TaskSplit("one", corpus, vocabulary, columns=built.tables, costs=built.costs)
    pieces = [int((split.batch(torch.tensor([row])).text.column("pieces") > 0).sum()) for row in range(len(TEXTS))]
    assert split.costs.tolist() == pieces != split.lengths.tolist()
    order = bucketed_order(split.costs, 8, None, batch_tokens=2 * sorted(pieces)[1])
    assert order[0].tolist() == np.argsort(pieces)[:2].tolist()


def test_a_run_with_all_of_them_resumes_and_answers(
    experiment_of: Callable[..., dict[str, Any]],
    encoders: dict[str, Path],
    run: Callable[..., Ended],
    tmp_path: Path,
) -> None:
    settings = {"dataset_embeddings": True, "layer_dropout": 0.3, "gradient_checkpointing": True}
    experiment = experiment_of(encoders["word_pieces"], **settings)
    unfreeze = [{"pattern": r"^embedders\..*\.layer\.[01]\.", "after": 1}]
    experiment["trainer"] |= {"checkpoint_every": 3, "batch_tokens": 60, "batch_size": 16, "unfreeze": unfreeze}
    experiment["trainer"]["precision"] = "bf16"
    file = write(tmp_path, experiment)
    succeeds(run("train", file, "-s", tmp_path / "whole"))
    with interrupted_at(5):
        assert run("train", file, "-s", tmp_path / "broken").returncode == 130
    succeeds(run("train", file, "-s", tmp_path / "broken", "--resume"))
    check_same_weights(tmp_path / "whole", tmp_path / "broken")
    assert "books" in succeeds(run("evaluate", tmp_path / "whole"))
