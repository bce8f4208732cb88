"""Adapters in the layers of a frozen encoder.

Shapes: R rows, P tokens, H size of a state, T words.
"""

import json
from typing import Any

import pytest
import torch
from mtlkit_transformers import Adapter, BottleneckAdapter, LoraAdapter, PrefixAdapter
from mtlkit_transformers.adaptable_layers import AdaptableLayers
from mtlkit_transformers.configuration import KINDS, checked_config
from mtlkit_transformers.encoder import empty_encoder
from torch import Tensor, nn

from mtlkit.config import Lazy

from .conftest import needs_peft

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
