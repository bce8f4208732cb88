"""A pool of adapters inside a frozen encoder, through which each task has a path."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from mtlkit_transformers import AdapterPool, BottleneckAdapter, PrefixAdapter, TransformerEmbedder
from torch import Tensor, nn

import mtlkit
from mtlkit.config import Lazy
from mtlkit.data import Batch, Vocabulary
from mtlkit.errors import ConfigError
from mtlkit.experiment import build_model
from mtlkit.model import MultiTaskModel
from mtlkit.sharing import FullyShared, PathTrace, SearchableScheme
from mtlkit.sharing.selectors import ModulePath

from .test_states import TEXTS, text_of

MakeModel = Callable[..., MultiTaskModel]
SMALL = {"type": "bottleneck", "size": 4}
POOL = {"type": "adapter_pool", "adapter": SMALL, "num_modules": 3}
PATHS: list[ModulePath] = [(0,), (0, 1), (0, 1, 2), (0, 2), (1, 1, 1), (2, 0)]


@pytest.fixture
def model_of(encoders: dict[str, Path], experiment_of: Callable[..., dict[str, Any]]) -> MakeModel:
    """Builds a model in double precision on a frozen encoder of three layers."""

    def make(sharing: dict[str, Any], share_embedder: bool = True, **settings: Any) -> MultiTaskModel:
        given = {"trainable": False, "dropout": 0.0, **settings}
        experiment = experiment_of(encoders["word_pieces"], sharing, **given)
        experiment["model"]["share_embedder"] = share_embedder
        loaded = mtlkit.load_experiment(experiment).experiment
        torch.manual_seed(1)
        vocabulary = Vocabulary.of(["a"], ["a"], {task: ["no", "yes"] for task in loaded.tasks})
        model = build_model(loaded, vocabulary).double().eval()
        for parameter in model.sharing.parameters():
            nn.init.normal_(parameter, std=0.5)
        return model

    return make


def text_for(model: MultiTaskModel, texts: list[list[str]] = TEXTS) -> mtlkit.Text:
    embedder = model.embedder("books")
    assert isinstance(embedder, TransformerEmbedder)
    return text_of(texts, embedder)


def batch_for(model: MultiTaskModel) -> Batch:
    return Batch("books", text_for(model), torch.tensor([0, 1, 1, 0]), torch.arange(4))


def pool_of(model: MultiTaskModel) -> AdapterPool:
    assert isinstance(model.sharing, AdapterPool)
    return model.sharing


def along(model: MultiTaskModel, path: ModulePath) -> Tensor:
    states: Tensor = model(text_for(model), "books", path=path).states_BTD
    return states


def gradients(loss: Tensor, module: nn.Module) -> list[Tensor | None]:
    return list(torch.autograd.grad(loss, list(module.parameters()), allow_unused=True))


def test_a_path_is_its_adapters_put_in_by_hand(model_of: MakeModel) -> None:
    model = model_of(POOL)
    [encoder] = model.embedder("books")._frozen
    adapters = [cast_steps(pool_of(model), number) for number in range(3)]
    found = along(model, (2, 0))
    hooks = []
    for layer, number in zip(encoder.encoder.layer, (2, 0), strict=False):
        adapter = adapters[number]

        def added(_: nn.Module, __: Any, output: Any, adapter: BottleneckAdapter = adapter) -> Any:
            states = output[0] if isinstance(output, tuple) else output
            changed = states + adapter.up(adapter.down(adapter.norm(states)).relu())
            return (changed, *output[1:]) if isinstance(output, tuple) else changed

        hooks.append(layer.register_forward_hook(added))
    expected = model.embedder("books")(text_for(model))  # by way of the encoder alone, in which there is no adapter
    for hook in hooks:
        hook.remove()
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    plain = model.embedder("books")(text_for(model))
    assert (found - plain).abs().max() > 1e-2


def cast_steps(pool: AdapterPool, number: int) -> BottleneckAdapter:
    [adapter] = pool.pool[number]  # one layer for each step
    assert isinstance(adapter, BottleneckAdapter)
    return adapter


@pytest.mark.parametrize("share_embedder", [True, False])
def test_a_pool_of_one_adapter_in_all_layers_is_an_adapter_for_all_tasks(
    share_embedder: bool, model_of: MakeModel
) -> None:
    one = model_of(
        {"type": "adapter_pool", "adapter": SMALL, "num_modules": 1, "max_length": 1}, share_embedder=share_embedder
    )
    shared = model_of({"type": "fully_shared", "encoder": {"type": "pass_through"}}, adapters=SMALL)
    assert isinstance(shared.sharing, FullyShared)
    theirs = shared.embedder("films")
    theirs.load_state_dict({f"adapters.{name}": each for name, each in pool_of(one).pool[0].state_dict().items()})
    shared.heads.load_state_dict(one.heads.state_dict())
    loss, expected = (model.loss(batch_for(model)).total for model in (one, shared))
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-12)
    found = gradients(loss, pool_of(one).pool)
    for each, other in zip(found, gradients(expected, theirs), strict=True):
        assert each is not None and other is not None and each.any()
        torch.testing.assert_close(each, other, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(
    "settings", [{}, {"max_length": 1}, {"first_layer": 1}, {"first_layer": 1, "max_length": 1}], ids=str
)
def test_paths_together_are_what_they_are_alone(settings: dict[str, Any], model_of: MakeModel) -> None:
    model = model_of(POOL | settings)
    pool = pool_of(model)
    longest = settings.get("max_length", 3 - settings.get("first_layer", 0))
    paths = [path for path in PATHS if len(path) <= longest]
    together = model.losses(batch_for(model), [*paths, paths[0]])
    apart = [model.loss(batch_for(model), path=path) for path in [*paths, paths[0]]]
    for one, other in zip(together, apart, strict=True):
        torch.testing.assert_close(one.total, other.total, rtol=1e-12, atol=1e-13)
    sums = [sum(each.total for each in losses) for losses in (together, apart)]
    for one_, other_ in zip(*(gradients(each, pool.pool) for each in sums), strict=True):
        torch.testing.assert_close(one_, other_, rtol=1e-9, atol=1e-13)
    assert len({float(each.total.detach()) for each in apart}) == len(paths)
    assert pool.num_passes(paths) == len({path[: end + 1] for path in paths for end in range(len(path))})


def test_layers_below_the_first_are_run_once_and_without_gradient(model_of: MakeModel) -> None:
    model = model_of(POOL | {"first_layer": 2})
    [encoder] = model.embedder("books")._frozen
    runs: list[tuple[int, bool]] = []
    for number, layer in enumerate(encoder.encoder.layer):
        layer.output.register_forward_hook(lambda _, __, out, number=number: runs.append((number, out.requires_grad)))
    model.train().losses(batch_for(model), [(0,), (1,), (2,)])
    assert runs == [(0, False), (1, False), (2, False), (2, False), (2, False)]


def test_a_module_of_several_layers_has_an_adapter_for_each(model_of: MakeModel) -> None:
    model = model_of(POOL | {"max_length": 1})
    assert [len(steps) for steps in pool_of(model).pool] == [3, 3, 3]
    found = gradients(along(model, (1,)).sum(), pool_of(model).pool[1])
    assert all(each is not None for each in found)


def test_the_trace_names_the_path_and_fixed_paths_are_kept(model_of: MakeModel) -> None:
    model = model_of(POOL)
    shared = model(text_for(model), "films", with_trace=True)
    assert isinstance(shared.trace, PathTrace) and shared.trace.modules == pool_of(model).best("films")
    lazy: Lazy[Any] = Lazy.of(AdapterPool, **{name: each for name, each in POOL.items() if name != "type"})
    fixed = AdapterPool.with_paths(lazy, {"books": (2,), "films": (0, 1)})
    built = fixed.build(input_dim=16, tasks=["books", "films"], embedder=model.embedder("books"))
    assert built.best("films") == (0, 1) and not built.search_parameters()
    assert built.state_dict().keys() <= model.sharing.state_dict().keys()


def losses_along(model: MultiTaskModel, paths: Sequence[ModulePath]) -> Tensor:
    return torch.stack([each.total for each in model.losses(batch_for(model), paths)])


def test_the_loss_trains_adapters_and_rewards_train_the_controller(model_of: MakeModel) -> None:
    model = model_of(POOL).train()
    scheme = model.sharing
    assert isinstance(scheme, SearchableScheme)
    phi = {id(parameter) for parameter in scheme.search_parameters()}
    paths = scheme.sample("books", 4)
    rewards = torch.autograd.grad(paths.log_probs_N.sum(), list(model.parameters()), allow_unused=True)
    losses = torch.autograd.grad(losses_along(model, paths.modules).sum(), list(model.parameters()), allow_unused=True)
    for parameter, by_reward, by_loss in zip(model.parameters(), rewards, losses, strict=True):
        assert by_reward is None or id(parameter) in phi
        assert by_loss is None or id(parameter) not in phi
    on_paths = {number for path in paths.modules for number in path}
    for name, each in zip((name for name, _ in model.named_parameters()), losses, strict=True):
        if name.startswith("sharing.pool."):
            assert (each is not None) == (int(name.split(".")[2]) in on_paths)


@pytest.mark.parametrize(
    ("sharing", "settings", "said"),
    [
        ({"max_length": 2}, {}, "max_length: 3 layers cannot be divided into 2 steps of equal length"),
        ({"first_layer": 3}, {}, "first_layer: the encoder's layers are 0 to 2"),
        ({"first_layer": 1, "max_length": 3}, {}, "max_length: 2 layers cannot be divided into 3 steps"),
        ({"adapter": {"type": "prefix"}}, {}, "'prefix' adds tokens that all layers read"),
        ({}, {"trainable": True}, "set trainable: false in the embedder"),
        ({}, {"adapters": SMALL}, "leave out those of the embedder"),
    ],
)
def test_what_does_not_fit_is_told(
    sharing: dict[str, Any], settings: dict[str, Any], said: str, model_of: MakeModel
) -> None:
    with pytest.raises(ConfigError, match=said):
        model_of(POOL | sharing, **settings)
    assert PrefixAdapter.registered_name == "prefix"


def test_an_embedder_without_layers_is_told() -> None:
    lazy: Lazy[Any] = Lazy.of(AdapterPool)
    with pytest.raises(ConfigError, match="must be a 'transformer'"):
        lazy.build(input_dim=4, tasks=["books"])
