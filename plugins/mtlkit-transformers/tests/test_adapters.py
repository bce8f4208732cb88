"""Adapters in the layers of a frozen encoder.

Shapes: R rows, P tokens, H size of a state, T words.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mtlkit_transformers import Adapter, BottleneckAdapter, LoraAdapter, PrefixAdapter, TransformerEmbedder
from mtlkit_transformers.adaptable_layers import AdaptableLayers
from mtlkit_transformers.configuration import KINDS, checked_config
from mtlkit_transformers.encoder import empty_encoder
from torch import Tensor, nn

import mtlkit
from mtlkit.config import Lazy
from mtlkit.errors import ConfigError
from mtlkit.testing import check_component

from .conftest import needs_peft
from .test_states import TEXTS, directly, text_of

IDS_RP = torch.tensor([[2, 5, 6, 7, 8, 3], [2, 9, 10, 3, 1, 1]])
MASK_RP = (IDS_RP != 1).long()
ADAPTERS = [
    pytest.param(Lazy.of(LoraAdapter, rank=3), marks=needs_peft, id="lora"),
    pytest.param(Lazy.of(BottleneckAdapter, size=5), id="bottleneck"),
    pytest.param(Lazy.of(PrefixAdapter, num_tokens=2), id="prefix"),
]


def made(kind: str, **change: Any) -> tuple[nn.Module, Any]:
    """A small encoder of a kind in double precision, frozen, and its configuration."""
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    tokens = {"vocab_size": 60, "max_position_embeddings": 20, "pad_token_id": 1}
    own = {"eos_token_id": 3, "bos_token_id": 2, "cls_token_id": 2, "sep_token_id": 3} if kind == "modernbert" else {}
    config = checked_config(json.dumps({"model_type": kind, **tokens, **sizes, **own, **change}))
    torch.manual_seed(3)
    return empty_encoder(config).double().eval().requires_grad_(False), config


def filled(adapters: AdaptableLayers, lazy: Lazy[Adapter]) -> list[Adapter]:
    """An adapter for each layer, with weights that change something."""
    built = [adapter.double() for adapter in adapters.build_all(lazy)]
    for parameter in nn.ModuleList(built).parameters():
        nn.init.normal_(parameter, std=0.3)
    return built


def states_of(encoder: nn.Module, ids_RP: Tensor = IDS_RP, mask_RP: Tensor = MASK_RP) -> Tensor:
    found: Tensor = encoder(input_ids=ids_RP, attention_mask=mask_RP).last_hidden_state
    return found * mask_RP[..., None]


def gradients(loss: Tensor, parameters: list[nn.Parameter]) -> list[Tensor]:
    return list(torch.autograd.grad(loss, parameters))


@needs_peft
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # peft asks for it
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("target_modules", ["attention", "all"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_lora_is_that_of_peft(kind: str, target_modules: str, training: bool) -> None:
    """The same states and gradients as by `get_peft_model` on an encoder of the same weights, with the same draws."""
    from peft import LoraConfig, get_peft_model

    encoder, config = made(kind)
    layers = AdaptableLayers(encoder, config, 2)
    settings = {"rank": 3, "alpha": 7.0, "dropout": 0.2, "rslora": True}
    ours = filled(layers, Lazy.of(LoraAdapter, target_modules=target_modules, **settings))
    ends = sorted({name.rpartition(".")[2] for adapter in ours for name in adapter.changes})
    named = LoraConfig(r=3, lora_alpha=7.0, lora_dropout=0.2, use_rslora=True, target_modules=ends)
    theirs = get_peft_model(made(kind)[0], named)
    if kind == "albert":  # its embeddings are mapped by a layer that is not repeated, and is no layer of the stack
        theirs.base_model.model.encoder.embedding_hidden_mapping_in.requires_grad_(False)
    mine = [parameter for adapter in ours for parameter in adapter.parameters()]
    pairs = [(name, each) for name, each in theirs.named_parameters() if "lora_" in name]
    assert len(pairs) == len(mine) and all(each.requires_grad for _, each in pairs)
    for parameter, (_, each) in zip(mine, pairs, strict=True):
        each.data = parameter.detach().clone()
    weight_RPH = torch.randn(*IDS_RP.shape, 16, dtype=torch.float64)

    nn.ModuleList(ours).train(training)
    with layers.carrying(ours):
        torch.manual_seed(5)
        found_RPH = states_of(encoder.train(training))
    torch.manual_seed(5)
    expected_RPH = states_of(theirs.train(training))
    torch.testing.assert_close(found_RPH, expected_RPH, rtol=1e-12, atol=1e-12)
    assert (found_RPH - states_of(encoder.eval())).abs().max() > 1e-3
    found = gradients((found_RPH * weight_RPH).sum(), mine)
    expected = gradients((expected_RPH * weight_RPH).sum(), [each for _, each in pairs])
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    assert any(each.any() for each in found)


@pytest.mark.parametrize("lazy", ADAPTERS)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_adapters_work_in_each_kind_and_leave_no_trace(kind: str, lazy: Lazy[Adapter]) -> None:
    encoder, config = made(kind)
    plain_RPH = states_of(encoder)
    layers = AdaptableLayers(encoder, config, 2)
    assert len(layers) == (1 if kind == "albert" else 2) and layers.repeats == (kind == "albert")
    adapters = filled(layers, lazy)
    extra = adapters[0].num_tokens
    ids_RP, mask_RP = nn.functional.pad(IDS_RP, (extra, 0), value=1), nn.functional.pad(MASK_RP, (extra, 0), value=1)
    with layers.carrying(adapters):
        whole_RPH = states_of(encoder, ids_RP, mask_RP)[:, extra:]
        alone_1PH = states_of(encoder, ids_RP[1:, : extra + 4], mask_RP[1:, : extra + 4])[:, extra:]
    assert (whole_RPH - plain_RPH).abs().max() > 1e-4
    torch.testing.assert_close(whole_RPH[1:, :4], alone_1PH, rtol=0, atol=1e-9)  # padding changes nothing
    assert torch.equal(states_of(encoder), plain_RPH)


@pytest.mark.parametrize("lazy", ADAPTERS[:2])
def test_training_begins_with_the_encoder_as_it_was_pretrained(lazy: Lazy[Adapter]) -> None:
    encoder, config = made("bert")
    layers = AdaptableLayers(encoder, config, 2)
    with layers.carrying([adapter.double() for adapter in layers.build_all(lazy)]):
        assert torch.equal(states_of(encoder), states_of(made("bert")[0]))


def test_bottlenecks_are_those_of_the_paper() -> None:
    """By hand: Bapna and Firat 2019, layer after layer."""
    encoder, config = made("bert")
    layers = AdaptableLayers(encoder, config, 2)
    adapters = filled(layers, Lazy.of(BottleneckAdapter, size=5))
    with layers.carrying(adapters):
        found_RPH = states_of(encoder)
    plain, _ = made("bert")
    states_RPH = plain.embeddings(input_ids=IDS_RP)
    mask = (1.0 - MASK_RP[:, None, None, :].double()) * torch.finfo(torch.float64).min
    for layer, adapter in zip(plain.encoder.layer, adapters, strict=True):
        output = layer(states_RPH, mask)
        states_RPH = output[0] if isinstance(output, tuple) else output
        weights = dict(adapter.named_parameters())
        mean, variance = states_RPH.mean(-1, keepdim=True), states_RPH.var(-1, unbiased=False, keepdim=True)
        normed = (states_RPH - mean) / (variance + 1e-5).sqrt() * weights["norm.weight"] + weights["norm.bias"]
        inner = (normed @ weights["down.weight"].T + weights["down.bias"]).clamp(min=0)
        states_RPH = states_RPH + inner @ weights["up.weight"].T + weights["up.bias"]
    torch.testing.assert_close(found_RPH, states_RPH * MASK_RP[..., None], rtol=1e-10, atol=1e-10)


def test_a_prefix_is_read_like_states_of_further_tokens() -> None:
    """By hand: in each layer, attention from the text also to keys and values of the learned states."""
    encoder, config = made("bert")
    layers = AdaptableLayers(encoder, config, 2)
    adapters = filled(layers, Lazy.of(PrefixAdapter, num_tokens=2))
    ids_RP, mask_RP = nn.functional.pad(IDS_RP, (2, 0), value=1), nn.functional.pad(MASK_RP, (2, 0), value=1)
    with layers.carrying(adapters):
        found_RPH = states_of(encoder, ids_RP, mask_RP)[:, 2:]
    plain, _ = made("bert")
    states_RPH = plain.embeddings(input_ids=ids_RP)[:, 2:]
    mask = (1.0 - mask_RP[:, None, None, :].double()) * torch.finfo(torch.float64).min
    for layer, adapter in zip(plain.encoder.layer, adapters, strict=True):
        read_RPH = torch.cat([adapter.get_parameter("states_NH").expand(2, -1, -1), states_RPH], dim=1)
        output = layer(read_RPH, mask)
        states_RPH = (output[0] if isinstance(output, tuple) else output)[:, 2:]
    torch.testing.assert_close(found_RPH, states_RPH * MASK_RP[..., None], rtol=1e-10, atol=1e-10)


def test_a_path_that_goes_on_is_not_run_again_from_its_beginning() -> None:
    """The same states and gradients as one run after the other, in fewer runs of layers."""
    encoder, config = made("bert")
    layers = AdaptableLayers(encoder, config, 2)
    [one, two], [three, _] = (filled(layers, Lazy.of(BottleneckAdapter, size=5)) for _ in range(2))
    carried = [[one], [one, two], [one, three], [two], [two, two]]
    parameters = [parameter for adapter in (one, two, three) for parameter in adapter.parameters()]
    runs: list[int] = []
    for number, layer in enumerate(encoder.encoder.layer):
        layer.intermediate.register_forward_hook(lambda *_, number=number: runs.append(number))

    def run(adapters: list[Adapter]) -> Tensor:
        with layers.carrying(adapters):
            return states_of(encoder)

    apart = [run(adapters) for adapters in carried]
    assert len(runs) == 10
    runs.clear()
    with layers.remembering():
        together = [run(adapters) for adapters in carried]
    assert runs == [0, 1, 1, 1, 0, 1, 1]
    assert all(torch.equal(each, other) for each, other in zip(apart, together, strict=True))
    weights = torch.randn(5, *IDS_RP.shape, 16, dtype=torch.float64)
    losses = [(torch.stack(each) * weights).sum() for each in (apart, together)]
    for each, other in zip(*(gradients(loss, parameters) for loss in losses), strict=True):
        torch.testing.assert_close(each, other, rtol=1e-9, atol=1e-12)


def embedder(folder: Path, **settings: Any) -> TransformerEmbedder:
    lazy = Lazy.of(TransformerEmbedder, model=str(folder), trainable=False, **settings)
    return lazy.build(vocabulary=None, vectors=None, fresh=True).eval()


@pytest.mark.parametrize("lazy", ADAPTERS)
@pytest.mark.parametrize("settings", [{}, {"layers": "mix"}, {"layers": 2}, {"window": 9, "overlap": 2}], ids=str)
def test_it_keeps_the_promises_of_embedders(
    encoders: dict[str, Path], lazy: Lazy[Adapter], settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another beginning: what is multiplied by zero has no gradient in the first step."""
    monkeypatch.setattr(nn.init, "zeros_", lambda tensor: nn.init.normal_(tensor, std=0.02))
    given = {
        "type": "transformer",
        "model": str(encoders["byte_pairs"]),
        "trainable": False,
        "adapters": lazy.to_json(),
    }
    check_component(mtlkit.Embedder, given | settings)


@pytest.mark.parametrize("lazy", ADAPTERS[:2])
@pytest.mark.parametrize("settings", [{}, {"window": 7, "overlap": 3}])
def test_states_are_those_of_transformers_at_first(
    encoders: dict[str, Path], lazy: Lazy[Adapter], settings: dict[str, Any]
) -> None:
    built, frozen = (embedder(encoders["word_pieces"], adapters=each, **settings) for each in (lazy, None))
    found, expected = (each(text_of(TEXTS, each)) for each in (built, frozen))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    if not settings:
        expected_TH = directly(encoders["word_pieces"], TEXTS[0], "mean", -1)
        torch.testing.assert_close(found[0], expected_TH, rtol=0, atol=1e-6)


def test_only_adapters_are_trained_and_saved(encoders: dict[str, Path]) -> None:
    built = embedder(encoders["word_pieces"], adapters=Lazy.of(BottleneckAdapter, size=4)).train()
    names = {name for name, _ in built.named_parameters()}
    assert names == built.state_dict().keys() and all(name.startswith("adapters.") for name in names)
    assert len([name for name in names if name.startswith("adapters.2.")]) == 6
    built(text_of(TEXTS, built)).sum().backward()
    [encoder] = built._frozen
    assert encoder.training and all(each.grad is None and not each.requires_grad for each in encoder.parameters())
    assert all(each.grad is not None for each in built.parameters())


def test_adapters_above_the_layer_that_is_read_are_not_built(encoders: dict[str, Path]) -> None:
    lazy = Lazy.of(BottleneckAdapter, size=4)
    assert len(embedder(encoders["word_pieces"], layers=-2, adapters=lazy).adapters or ()) == 2
    with pytest.raises(ConfigError, match="no layer below"):
        embedder(encoders["word_pieces"], layers=0, adapters=lazy)


def test_a_prefix_takes_room_in_the_window(encoders: dict[str, Path]) -> None:
    lazy = Lazy.of(PrefixAdapter, num_tokens=5)
    assert embedder(encoders["byte_pairs"], adapters=lazy).room == 33
    with pytest.raises(ConfigError, match="window"):
        embedder(encoders["byte_pairs"], adapters=Lazy.of(PrefixAdapter, num_tokens=50))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"target_modules": ["query", "valve"]}, "no linear map is named valve; a layer of the encoder has attention"),
        ({"target_modules": []}, r"no linear map is named \[\]"),
        ({"target_modules": ["self"]}, "no linear map is named self"),
    ],
)
def test_linear_maps_that_there_are_not_are_told(
    encoders: dict[str, Path], settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        embedder(encoders["word_pieces"], adapters=Lazy.of(LoraAdapter, **settings))


@needs_peft
def test_linear_maps_are_found_by_the_ends_of_their_names(encoders: dict[str, Path]) -> None:
    lazy = Lazy.of(LoraAdapter, target_modules=["output.dense", "key"])
    adapters = embedder(encoders["word_pieces"], adapters=lazy).adapters
    assert adapters is not None
    assert adapters[0].changes == {"attention.output.dense", "output.dense", "attention.self.key"}


def test_a_tuned_encoder_takes_no_adapters(encoders: dict[str, Path]) -> None:
    lazy = Lazy.of(TransformerEmbedder, model=str(encoders["word_pieces"]), adapters=Lazy.of(BottleneckAdapter))
    with pytest.raises(ConfigError, match="set trainable: false"):
        lazy.build(vocabulary=None, vectors=None, fresh=True)


def test_without_peft_it_is_told_what_to_install(encoders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(ConfigError, match=r"install 'mtlkit-transformers\[adapters\]'"):
        embedder(encoders["word_pieces"], adapters=Lazy.of(LoraAdapter))


def test_tasks_of_their_own_adapters_have_one_frozen_encoder(
    encoders: dict[str, Path], experiment_of: Callable[..., dict[str, Any]]
) -> None:
    from mtlkit.data import Vocabulary
    from mtlkit.experiment import build_model

    experiment = experiment_of(encoders["word_pieces"], trainable=False, adapters={"type": "bottleneck", "size": 4})
    experiment["model"]["share_embedder"] = False
    loaded = mtlkit.load_experiment(experiment).experiment
    model = build_model(loaded, Vocabulary.of(["a"], ["a"], {task: ["no", "yes"] for task in loaded.tasks}))
    books, films = (model.embedder(task) for task in ("books", "films"))
    assert isinstance(books, TransformerEmbedder) and isinstance(films, TransformerEmbedder)
    assert books._frozen[0] is films._frozen[0]
    for parameter in films.parameters():
        nn.init.normal_(parameter)
    model.eval()
    text = text_of(TEXTS, books)
    expected = embedder(encoders["word_pieces"])(text)
    torch.testing.assert_close(books(text), expected, rtol=0, atol=1e-6)
    assert (films(text) - expected).abs().max() > 0.1
    model.double()
    torch.testing.assert_close(books(text), expected.double(), rtol=0, atol=1e-6)
