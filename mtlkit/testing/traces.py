"""Checks of the traces of sharing schemes, on which all drawings rely.

Shapes: B texts, T words, N sources, L layers, K tasks, S steps of a path, A actions.
"""

from typing import assert_never

import torch
from torch import Tensor

from mtlkit.sharing import GuessTrace, MixtureTrace, PathTrace, SearchableScheme, SharingScheme, Trace, WordTrace
from mtlkit.testing.modules import LONGER, close
from mtlkit.testing.promises import doing, promise
from mtlkit.testing.samples import TASKS, sample


def check_trace(scheme: SharingScheme, task: str) -> None:
    """Checks that a trace is made only on request, is of a known kind, and does not affect the output."""
    scheme, given = scheme.eval(), sample()
    with doing("with_trace=True"):
        plain = scheme(given.states_BTE, given.mask_BT, task)
        traced = scheme(given.states_BTE, given.mask_BT, task, with_trace=True)
        longer = scheme(given.padded(LONGER).states_BTE, given.padded(LONGER).mask_BT, task, with_trace=True)
    promise(plain.trace is None, "it keeps a trace that nobody asked for")
    promise(close(plain.states_BTD, traced.states_BTD), "with_trace=True changes its states")
    if traced.trace is None:
        return
    known = isinstance(traced.trace, WordTrace | PathTrace | MixtureTrace | GuessTrace)
    family = "none of WordTrace, PathTrace, MixtureTrace and GuessTrace"
    promise(known, f"its trace is a {type(traced.trace).__name__}, {family}")
    promise(type(longer.trace) is type(traced.trace), "more padding changes the kind of its trace")
    _check_one(traced.trace, longer.trace, given.mask_BT, scheme, task)


def _check_one(trace: Trace, longer: Trace, mask_BT: Tensor, scheme: SharingScheme, task: str) -> None:
    match trace:
        case WordTrace():
            assert isinstance(longer, WordTrace)
            _check_words(trace, longer, mask_BT)
            _check_gates(trace, longer, mask_BT)
        case PathTrace():
            _check_path(trace, scheme, task)
        case MixtureTrace():
            _check_names(trace.tasks)
            weights_LK = trace.weights_LK
            sound = weights_LK.dim() == 2 and weights_LK.shape[1] == len(trace.tasks)
            promise(sound, f"its weights are {tuple(weights_LK.shape)}, not (L, K) with K = {len(trace.tasks)}")
            promise(bool(weights_LK.isfinite().all()), "its weights are not finite")
            promise(not weights_LK.requires_grad, "its trace is not detached")
        case GuessTrace():
            assert isinstance(longer, GuessTrace)
            _check_guess(trace, longer, len(mask_BT))
        case _:
            assert_never(trace)


def _check_words(trace: WordTrace, longer: WordTrace, mask_BT: Tensor) -> None:
    if trace.senders is not None:
        _check_names(trace.senders)
    num_steps = mask_BT.shape[1]
    num_sources = num_steps if trace.senders is None else len(trace.senders)
    expected = (*mask_BT.shape, num_sources)
    for weights_BTN, longer_BTN in ((trace.weights_BTN, longer.weights_BTN), (trace.backward_BTN, longer.backward_BTN)):
        if weights_BTN is None or longer_BTN is None:
            promise(weights_BTN is longer_BTN, "more padding changes whether it reads from right to left")
            continue
        given = tuple(weights_BTN.shape)
        promise(given == expected, f"its weights are {given}, not (B, T, N) {expected}")
        promise(not weights_BTN.requires_grad, "its trace is not detached")
        valid = weights_BTN[mask_BT]
        promise(bool(valid.isfinite().all()) and bool((valid >= 0).all()), "its weights are negative or not finite")
        same = close(longer_BTN[:, :num_steps, :num_sources][mask_BT], valid)
        promise(same, "more padding changes its weights")
        if trace.senders is None:
            padding_BTN = ~mask_BT.unsqueeze(1).expand(-1, num_steps, -1)
            promise(
                not weights_BTN[padding_BTN & mask_BT.unsqueeze(2)].any(), "its weights are not zero on padded sources"
            )


def _check_gates(trace: WordTrace, longer: WordTrace, mask_BT: Tensor) -> None:
    both_ways = (
        (trace.gates_BT, longer.gates_BT, trace.weights_BTN),
        (trace.backward_gates_BT, longer.backward_gates_BT, trace.backward_BTN),
    )
    for gates_BT, longer_BT, weights_BTN in both_ways:
        if gates_BT is None or longer_BT is None:
            promise(gates_BT is longer_BT, "more padding changes whether it has gates")
            continue
        promise(weights_BTN is not None, "it has gates of a network without weights")
        given, expected = tuple(gates_BT.shape), tuple(mask_BT.shape)
        promise(given == expected, f"its gates are {given}, not (B, T) {expected}")
        promise(not gates_BT.requires_grad, "its trace is not detached")
        valid = gates_BT[mask_BT]
        promise(bool(((valid >= 0) & (valid <= 1)).all()), "its gates are not between 0 and 1")
        promise(close(longer_BT[:, : mask_BT.shape[1]][mask_BT], valid), "more padding changes its gates")


def _check_path(trace: PathTrace, scheme: SharingScheme, task: str) -> None:
    if isinstance(scheme, SearchableScheme):
        best = scheme.best(task)
        promise(trace.modules == best, f"its trace has the path {trace.modules}, and its best one is {best}")
    if (embedding_S := trace.embedding_S) is not None:
        sound = embedding_S.dim() == 1 and bool(embedding_S.isfinite().all())
        promise(sound, f"its embedding is {tuple(embedding_S.shape)}, not (S), or not finite")
        promise(not embedding_S.requires_grad, "its trace is not detached")
    policy_SA = trace.policy_SA
    if policy_SA is None:
        return
    promise(not policy_SA.requires_grad, "its trace is not detached")
    sound = policy_SA.dim() == 2 and len(policy_SA) in (len(trace.modules), len(trace.modules) + 1)
    promise(sound, f"its policy is {tuple(policy_SA.shape)}, not (S, A), for {len(trace.modules)} modules")
    promise(close(policy_SA.sum(dim=1), torch.ones_like(policy_SA[:, 0])), "its policy does not sum to 1 at each step")


def _check_guess(trace: GuessTrace, longer: GuessTrace, num_texts: int) -> None:
    _check_names(trace.tasks)
    probabilities_BK, expected = trace.probabilities_BK, (num_texts, len(trace.tasks))
    given = tuple(probabilities_BK.shape)
    promise(given == expected, f"its probabilities are {given}, not (B, K) {expected}")
    promise(not probabilities_BK.requires_grad, "its trace is not detached")
    sums_B = probabilities_BK.sum(dim=1)
    sound = close(sums_B, torch.ones_like(sums_B)) and bool((probabilities_BK >= 0).all())
    promise(sound, "its probabilities are negative, or do not sum to 1 for each text")
    promise(close(longer.probabilities_BK, probabilities_BK), "more padding changes its probabilities")


def _check_names(tasks: tuple[str, ...]) -> None:
    promise(len(set(tasks)) == len(tasks), f"its trace names a task twice: {', '.join(tasks)}")
    unknown = [task for task in tasks if task not in TASKS]
    promise(not unknown, f"its trace names tasks that there are not: {', '.join(unknown)}")
