"""Checks of embedders, encoders and sharing schemes.

Shapes: B texts, T words, E input size, D state size.
"""

import re
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mtlkit.config import Lazy
from mtlkit.embedders import Embedder
from mtlkit.encoders import Encoder
from mtlkit.errors import ConfigError
from mtlkit.sharing import SearchableScheme, SharingScheme
from mtlkit.sharing.selectors import ModulePath
from mtlkit.testing.columns import check_columns
from mtlkit.testing.modules import LONGER, build_module, check_module, check_states, close
from mtlkit.testing.promises import doing, promise
from mtlkit.testing.samples import INPUT_DIM, SENTENCES, TASKS, Sample, sample, text_of
from mtlkit.testing.traces import check_trace

NUM_PATHS = 30


def check_embedder(lazy: Lazy[Embedder]) -> None:
    """Checks the vectors of words, computed from the columns that the embedder requests and no others."""
    embedder = build_module(lazy)
    check_columns(embedder)

    def run(embedder: Embedder, given: Sample, task: str = TASKS[0]) -> Tensor:
        vectors_BTE: Tensor = embedder(replace(given.text, task=task))
        return vectors_BTE

    def run_all(embedder: Embedder, given: Sample) -> Tensor:
        return torch.cat([run(embedder, given, task) for task in TASKS])

    given = sample(embedder.tables)
    check_module(lazy, run_all, given)
    check_states(lazy, run, given)
    if not embedder.looks_at_neighbours:
        _check_words_alone(embedder)


def _check_words_alone(embedder: Embedder) -> None:
    """Checks that the vector of a word is the same in every text."""
    for sentence in SENTENCES:
        with doing("with texts of one word"):
            together = embedder(text_of([sentence], embedder.tables))[0]
            alone = embedder(text_of(sentence.split(), embedder.tables))[:, 0]
        promise(
            close(together, alone),
            "the vector of a word depends on the words beside it; if that is meant, set looks_at_neighbours = True",
        )


def check_encoder(lazy: Lazy[Encoder]) -> None:
    """Checks the states of words."""

    def run(encoder: Encoder, given: Sample) -> Tensor:
        states_BTD: Tensor = encoder(given.states_BTE, given.mask_BT)
        return states_BTD

    check_module(lazy, run, sample())
    check_states(lazy, run, sample())
    _check_input_gradient(lazy, run)


def check_sharing_scheme(lazy: Lazy[SharingScheme]) -> None:
    """Checks states and extra losses for each task, and that all tasks on all sampled paths together train all
    parameters.
    """

    def run_all(scheme: SharingScheme, given: Sample) -> Tensor:
        shared = [
            scheme(given.states_BTE, given.mask_BT, task, **along) for task in TASKS for along in _paths(scheme, task)
        ]
        numbers = [number for one in shared for number in (one.states_BTD, *one.losses.values())]
        return torch.cat([number.flatten() for number in numbers])

    check_module(lazy, run_all, sample())
    _check_losses(lazy)
    if issubclass(lazy.component, SearchableScheme):
        _check_fixed_paths(lazy, lazy.component)
    _check_paths_together(build_module(lazy).eval())
    _check_shared_layer(lazy)
    for task in TASKS:

        def run(scheme: SharingScheme, given: Sample, task: str = task) -> Tensor:
            states_BTD: Tensor = scheme(given.states_BTE, given.mask_BT, task).states_BTD
            return states_BTD

        check_states(lazy, run, sample())
        _check_input_gradient(lazy, run)
        check_trace(build_module(lazy), task)


def _paths(scheme: SharingScheme, task: str) -> list[dict[str, ModulePath]]:
    """Returns arguments that together reach all of a scheme: one per sampled path if it has paths."""
    if not isinstance(scheme, SearchableScheme):
        return [{}]
    with torch.random.fork_rng(devices=[]):  # the same paths whenever it is asked
        torch.manual_seed(0)
        return [{"path": path} for path in scheme.sample(task, NUM_PATHS).modules]


def _check_fixed_paths(lazy: Lazy[Any], component: type[SearchableScheme]) -> None:
    """Checks that the scheme with fixed paths accepts its own weights and gives the same output along those paths."""
    scheme, given = build_module(lazy).eval(), sample()
    paths = {task: scheme.sample(task, 1).modules[0] for task in TASKS}
    with doing("when its paths are fixed"):
        fixed = build_module(component.with_paths(lazy, paths)).eval()
    weights = scheme.state_dict()
    promise(fixed.state_dict().keys() <= weights.keys(), "with its paths fixed, it has parameters of other names")
    promise(not fixed.search_parameters(), "with its paths fixed, it still has something to search for")
    fixed.load_state_dict({name: weights[name] for name in fixed.state_dict()})
    for task, path in paths.items():
        promise(fixed.best(task) == path, f"with the path {path} fixed, the best path of {task} is {fixed.best(task)}")
        along = scheme(given.states_BTE, given.mask_BT, task, path=path).states_BTD
        same = close(fixed(given.states_BTE, given.mask_BT, task).states_BTD, along)
        promise(same, f"with the path of {task} fixed, its states are not those along that path")


def _check_paths_together(scheme: SharingScheme) -> None:
    """Checks that several paths run at once, including equal ones, give the same output as each path alone."""
    if not isinstance(scheme, SearchableScheme):
        return
    given, task = sample(), TASKS[0]
    paths = [along["path"] for along in _paths(scheme, task)]
    with doing("when it runs several paths together"):
        together = scheme.forward_paths(given.states_BTE, given.mask_BT, task, [*paths, paths[0]])
        num_passes = scheme.num_passes(paths)
    promise(len(together) == len(paths) + 1, f"it runs {len(paths) + 1} paths together and returns {len(together)}")
    for path, shared in zip([*paths, paths[0]], together, strict=True):
        alone = scheme(given.states_BTE, given.mask_BT, task, path=path)
        same = close(shared.states_BTD, alone.states_BTD) and shared.losses.keys() == alone.losses.keys()
        promise(same, f"the path {path} run together with others is not what it is alone")
    most = sum(map(len, paths))
    promise(0 <= num_passes <= most, f"it counts {num_passes} passes for paths of {most} modules together")


def _check_shared_layer(lazy: Lazy[SharingScheme]) -> None:
    """Checks that the layer offered to a new task exists, and fits the scheme through which the task reads it."""
    try:
        layer = lazy.component.shared_layer(lazy)
    except ConfigError:  # a reason why there is none is as good
        return
    promise(bool(layer.scopes), "its shared layer has no scopes")
    own = {f"sharing.{name}": parameter.shape for name, parameter in build_module(lazy).named_parameters()}
    given = sample().to(torch.float32)
    with doing("when a new task reads its shared layer,"):
        reader = layer.reader.build(input_dim=INPUT_DIM, tasks=["new"])
        reader(given.states_BTE, given.mask_BT, "new")
    others = {f"sharing.{name}": parameter.shape for name, parameter in reader.named_parameters()}
    for scope, patterns in layer.scopes.items():
        for pattern in patterns:  # a stage refuses one that freezes nothing
            promise(
                any(re.search(pattern, name) for name in own),
                f"no parameter of it is named like '{pattern}', in the scope '{scope}' of its shared layer",
            )
        for name in (name for name in own if any(re.search(pattern, name) for pattern in patterns)):
            same = others.get(name) == own[name]
            promise(same, f"{name} of the scope '{scope}' is not, in this shape, in the scheme of a new task")


def _check_input_gradient(lazy: Lazy[Any], run: Any) -> None:
    """Checks that gradients reach the inputs, so that layers below can learn."""
    given = sample()
    states_BTE = given.states_BTE.requires_grad_()
    (gradient_BTE,) = torch.autograd.grad(run(build_module(lazy).train(), given).square().sum(), states_BTE)
    reached_BT = gradient_BTE.any(dim=-1)
    promise(bool(reached_BT.any()), "no gradient reaches its input, so an embedder below it cannot learn")
    promise(not reached_BT[~given.mask_BT].any(), "a gradient reaches the input at padding")


def _check_losses(lazy: Lazy[SharingScheme]) -> None:
    """Checks that the losses are scalars, the same for every order of texts and every amount of padding, for
    all tasks.
    """
    scheme = build_module(lazy)
    given = sample()

    def losses(texts: Sample, task: str) -> dict[str, Tensor]:
        found: dict[str, Tensor] = scheme(texts.states_BTE, texts.mask_BT, task).losses
        return found

    names = losses(given, TASKS[0]).keys()
    promise("task" not in names, "it calls a loss 'task', which is the name of the task's own")
    for task in TASKS:
        with doing("for its losses"):
            expected = losses(given, task)
            longer = losses(given.padded(LONGER), task)
            turned = losses(given.rows(list(range(given.size))[::-1]), task)
            alone = losses(given.rows([0]), task)
        promise(expected.keys() == names, f"its losses are {list(names)} for one task and {list(expected)} for another")
        for name in names:
            scalars = expected[name], alone[name]
            finite = all(loss.dim() == 0 and bool(loss.isfinite()) for loss in scalars)
            promise(finite, f"its loss '{name}' is not a finite scalar")
            promise(expected[name].requires_grad, f"its loss '{name}' has no gradient")
            promise(close(longer[name], expected[name]), f"more padding changes its loss '{name}'")
            promise(close(turned[name], expected[name]), f"the order of the texts changes its loss '{name}'")
    _check_gradients_of_one_text(scheme, given.rows([0]))


def _check_gradients_of_one_text(scheme: SharingScheme, given: Sample) -> None:
    """Checks gradients for a batch of one text, where differences between texts are 0. The last batch of a pass may be
    one.
    """
    for name, loss in scheme(given.states_BTE, given.mask_BT, TASKS[0]).losses.items():
        found = torch.autograd.grad(loss, list(scheme.parameters()), allow_unused=True, retain_graph=True)
        finite = all(bool(gradient.isfinite().all()) for gradient in found if gradient is not None)
        promise(finite, f"for a batch of one text, the gradient of its loss '{name}' is not finite")
