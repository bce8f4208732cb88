"""The embedder `transformer` with adapters in its frozen encoder."""

import threading
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from mtlkit_transformers import Adapter, BottleneckAdapter, LoraAdapter, PrefixAdapter, TransformerEmbedder
from torch import Tensor, nn

import mtlkit
from mtlkit.config import Lazy
from mtlkit.errors import ConfigError
from mtlkit.testing import check_component

from .conftest import needs_peft
from .test_adapters import ADAPTERS
from .test_states import TEXTS, directly, text_of


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
    with pytest.raises(ConfigError, match=r"and 52 are .* those of a prefix, .*; set a smaller `num_tokens`"):
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


@pytest.mark.parametrize("lazy", ADAPTERS)
def test_threads_have_their_own_adapters_in_the_encoder_that_they_share(
    encoders: dict[str, Path], lazy: Lazy[Adapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those that answer with one archive: the second comes while the first is in the midst of the encoder."""
    monkeypatch.setattr(nn.init, "zeros_", lambda tensor: nn.init.normal_(tensor, std=0.02))
    first, second = (embedder(encoders["word_pieces"], adapters=lazy) for _ in range(2))
    second.share_frozen(first)
    expected = [each(text_of(TEXTS, each)) for each in (first, second)]
    assert not torch.allclose(*expected)
    found: list[Tensor] = []
    other = threading.Thread(target=lambda: found.append(second(text_of(TEXTS, second))))

    def begin_other(*_: Any) -> None:
        if not other.ident:
            other.start()
            other.join(0.2)  # it waits for its turn

    [encoder] = first._frozen
    hook = encoder.register_forward_pre_hook(begin_other)
    found.insert(0, first(text_of(TEXTS, first)))
    other.join()
    hook.remove()
    assert all(torch.equal(left, right) for left, right in zip(found, expected, strict=True))
    copied = deepcopy(first)
    assert torch.equal(copied(text_of(TEXTS, copied)), expected[0])
