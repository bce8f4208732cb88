"""Checks of heads.

Shapes: B texts, T words, D state size, L labels.
"""

import torch
from torch import Tensor

from mtlkit.config import Lazy
from mtlkit.heads import Head
from mtlkit.metrics import Metric
from mtlkit.testing.modules import build_module, check_independence, check_module, check_padding, close
from mtlkit.testing.promises import doing, promise
from mtlkit.testing.samples import LABELS, Sample, sample

UNKNOWN = -1
KINDS = ("label", "tags")


def check_head(lazy: Lazy[Head]) -> None:
    """Checks that losses are means over known targets, and that decisions are labels."""
    component = lazy.component
    promise(getattr(component, "target_kind", None) in KINDS, f"its class must say target_kind, one of {KINDS}")
    for name in getattr(component, "default_metrics", ()):
        promise(name in Metric.list_available(), f"its default_metrics name no Metric: '{name}'")
        promise(Metric.by_name(name).target_kind == component.target_kind, f"the metric '{name}' scores other targets")
    promise(
        bool(getattr(component, "default_metrics", ())), "its class must name default_metrics; the first one selects"
    )
    check_module(lazy, _loss, sample())
    _check_loss(build_module(lazy))
    _check_decisions(build_module(lazy))


def _loss(head: Head, given: Sample, targets: Tensor | None = None) -> Tensor:
    return head.loss(given.states_BTE, given.mask_BT, _targets(head, given) if targets is None else targets)


def _targets(head: Head, given: Sample) -> Tensor:
    """Cycles through the labels depending on the words, so that a text has the same target in every batch."""
    tags_BT = (given.text.words_BT % len(LABELS)).masked_fill(~given.mask_BT, UNKNOWN)
    return tags_BT[:, 0] if head.target_kind == "label" else tags_BT


def _check_loss(head: Head) -> None:
    given = sample()
    rows = list(range(given.size))
    with doing("its loss:"):
        loss = _loss(head, given)
        twice, turned, longer = (
            _loss(head, other) for other in (given.rows(rows * 2), given.rows(rows[::-1]), given.padded(3))
        )
    promise(loss.dim() == 0, f"its loss is not a scalar, but has the shape {tuple(loss.shape)}")
    promise(close(twice, loss), "its loss is not a mean: the same texts twice have another loss than once")
    promise(close(turned, loss), "its loss depends on the order of the texts")
    promise(close(longer, loss), "more padding, or what stands in it, changes its loss")
    _check_unknown_targets(head, given)
    _check_parts(head, given)


def _check_unknown_targets(head: Head, given: Sample) -> None:
    targets = _targets(head, given).clone()
    targets[-1] = UNKNOWN
    known = given.rows(range(given.size - 1))
    with doing("with unknown targets (-1) its loss:"):
        loss = _loss(head, given, targets)
    promise(close(loss, _loss(head, known)), "a text whose target is unknown (-1) is not left out of its loss")
    with doing("with no known target its loss:"):
        loss = _loss(head, given, torch.full_like(targets, UNKNOWN))
        gradients = torch.autograd.grad(loss, list(head.parameters()), allow_unused=True)
    promise(loss.item() == 0, "without any known target its loss is not 0")
    still = all(gradient is None or not gradient.any() for gradient in gradients)
    promise(still, "without any known target its gradient is not 0")


def _check_parts(head: Head, given: Sample) -> None:
    """Checks that a batch processed in parts has the loss of the whole batch."""
    targets = _targets(head, given).clone()
    targets[0] = UNKNOWN
    whole, parts = head.num_scored(given.mask_BT, targets), torch.zeros_like(_loss(head, given))
    for rows in ([0, 1], list(range(2, given.size))):
        part = given.rows(rows)
        its_targets = targets[rows] if head.target_kind == "label" else targets[rows, : part.mask_BT.shape[1]]
        with doing("asked for num_scored of a part of a batch:"):
            share = head.num_scored(part.mask_BT, its_targets).double() / whole
        parts = parts + share * _loss(head, part, its_targets)
    remedy = "its num_scored is not how many texts or words its loss is the mean of"
    promise(close(parts, _loss(head, given, targets)), f"{remedy}: parts of a batch have another loss than the whole")


def _check_decisions(head: Head) -> None:
    given = sample()

    def decide(module: Head, other: Sample) -> Tensor:
        return module.decode(other.states_BTE, other.mask_BT).ids

    with doing("when it decodes,"):
        decoded = head.decode(given.states_BTE, given.mask_BT)
    shape = given.mask_BT.shape if head.target_kind == "tags" else given.mask_BT.shape[:1]
    ids = decoded.ids
    promise(ids.shape == shape, f"its decisions have the shape {tuple(ids.shape)}, not {tuple(shape)}")
    promise(ids.dtype == torch.int64, f"its decisions are {ids.dtype}, not label ids in torch.int64")
    valid = ids[given.mask_BT] if head.target_kind == "tags" else ids
    promise(bool(((valid >= 0) & (valid < len(LABELS))).all()), "its decisions are not label ids")
    if head.target_kind == "tags":
        promise(bool((ids[~given.mask_BT] == UNKNOWN).all()), "its decisions are not -1 at padding")
    check_padding(head, decide, given, padding=UNKNOWN)
    check_independence(head, decide, given)
    if decoded.confidence_B is not None:
        sound = (decoded.confidence_B >= 0) & (decoded.confidence_B <= 1)
        promise(decoded.confidence_B.shape == ids.shape[:1], "its confidence is not one number for each text")
        promise(bool(sound.all()), "its confidence is not a probability")
