"""What embedders, encoders, sharing schemes and communicators promise.

Shapes: B texts, T words, N sources, E input size, D state size.
"""

from typing import Any

import torch
from torch import Tensor

from mtlkit.communicators import Communicator
from mtlkit.config import Lazy
from mtlkit.embedders import Embedder
from mtlkit.encoders import Encoder
from mtlkit.selectors import ModulePath
from mtlkit.sharing import MessagePassing, SearchableScheme, SharingScheme, Trace
from mtlkit.testing.modules import build_module, check_module, check_states, close
from mtlkit.testing.promises import doing, promise
from mtlkit.testing.samples import STATE_DIM, TASKS, Sample, sample

NUM_PATHS = 30


def check_embedder(lazy: Lazy[Embedder]) -> None:
    """Vectors of words; characters are there only where they are asked for."""
    uses_characters = build_module(lazy).uses_characters

    def run(embedder: Embedder, given: Sample) -> Tensor:
        text = given.text
        vectors_BTE: Tensor = embedder(text if uses_characters else type(text)(text.words_BT, text.mask_BT))
        return vectors_BTE

    check_module(lazy, run, sample())
    check_states(lazy, run, sample())


def check_encoder(lazy: Lazy[Encoder]) -> None:
    """States of words."""

    def run(encoder: Encoder, given: Sample) -> Tensor:
        states_BTD: Tensor = encoder(given.states_BTE, given.mask_BT)
        return states_BTD

    check_module(lazy, run, sample())
    check_states(lazy, run, sample())
    _check_input_gradient(lazy, run)


def check_sharing_scheme(lazy: Lazy[SharingScheme]) -> None:
    """States for each task; all tasks together, or all the paths that are sampled, train everything."""

    def run_all(scheme: SharingScheme, given: Sample) -> Tensor:
        states = []
        for task in TASKS:
            for along in _paths(scheme, task):
                states.append(scheme(given.states_BTE, given.mask_BT, task, **along).states_BTD)
        return torch.cat(states, dim=-1)

    check_module(lazy, run_all, sample())
    for task in TASKS:

        def run(scheme: SharingScheme, given: Sample, task: str = task) -> Tensor:
            states_BTD: Tensor = scheme(given.states_BTE, given.mask_BT, task).states_BTD
            return states_BTD

        check_states(lazy, run, sample())
        _check_input_gradient(lazy, run)
        _check_trace(build_module(lazy), task)


def check_communicator(lazy: Lazy[Communicator]) -> None:
    """A communicator is whole only inside the scheme that owns the networks; so it is checked there."""
    with doing("inside the scheme message_passing"):
        scheme_lazy: Lazy[Any] = Lazy.of(MessagePassing, communicator=lazy, hidden_dim=STATE_DIM)
    check_sharing_scheme(scheme_lazy)
    given = sample()
    trace = build_module(scheme_lazy)(given.states_BTE, given.mask_BT, TASKS[0], with_trace=True).trace
    if lazy.component.sources == "shared":
        weights_BTN = trace.weights_BTN[given.mask_BT]
        padding_BTN = ~given.mask_BT.unsqueeze(1).expand(-1, given.mask_BT.shape[1], -1)[given.mask_BT]
        promise(not weights_BTN[padding_BTN].any(), "its weights are not zero on padded sources")


def _paths(scheme: SharingScheme, task: str) -> list[dict[str, ModulePath]]:
    """The arguments that lead through all of a scheme: paths, where it has them."""
    if not isinstance(scheme, SearchableScheme):
        return [{}]
    with torch.random.fork_rng(devices=[]):  # the same paths whenever it is asked
        torch.manual_seed(0)
        return [{"path": path} for path in scheme.sample(task, NUM_PATHS).modules]


def _check_input_gradient(lazy: Lazy[Any], run: Any) -> None:
    """Whatever lies below must be able to learn."""
    given = sample()
    states_BTE = given.states_BTE.requires_grad_()
    (gradient_BTE,) = torch.autograd.grad(run(build_module(lazy).train(), given).square().sum(), states_BTE)
    reached_BT = gradient_BTE.any(dim=-1)
    promise(bool(reached_BT.any()), "no gradient reaches its input, so an embedder below it cannot learn")
    promise(not reached_BT[~given.mask_BT].any(), "a gradient reaches the input at padding")


def _check_trace(scheme: SharingScheme, task: str) -> None:
    given = sample()
    with doing("with_trace=True"):
        plain = scheme(given.states_BTE, given.mask_BT, task)
        traced = scheme(given.states_BTE, given.mask_BT, task, with_trace=True)
    for name, loss in plain.losses.items():
        promise(loss.dim() == 0 and bool(loss.isfinite()), f"its loss '{name}' is no finite scalar")
    promise(plain.trace is None, "it keeps a trace that nobody asked for")
    promise(close(plain.states_BTD, traced.states_BTD), "with_trace=True changes its states")
    if traced.trace is not None:
        _check_weights(traced.trace, given.mask_BT)


def _check_weights(trace: Trace, mask_BT: Tensor) -> None:
    num_sources = mask_BT.shape[1] if trace.senders is None else len(trace.senders)
    expected = (*mask_BT.shape, num_sources)
    for weights_BTN in (trace.weights_BTN, trace.backward_BTN):
        if weights_BTN is None:
            continue
        given = tuple(weights_BTN.shape)
        promise(given == expected, f"its weights are {given}, not (B, T, N) {expected}")
        promise(not weights_BTN.requires_grad, "its trace is not detached")
        valid = weights_BTN[mask_BT]
        promise(bool(valid.isfinite().all()) and bool((valid >= 0).all()), "its weights are negative or not finite")
