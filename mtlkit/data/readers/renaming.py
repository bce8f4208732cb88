"""The setting `labels` of readers, which renames the labels in files."""

from collections.abc import Mapping
from dataclasses import replace

from mtlkit.data.instance import Instance, Target
from mtlkit.data.normalization import Normalization, normalized
from mtlkit.errors import DataError
from mtlkit.text import on_one_line


def with_renamed_target(
    instance: Instance, names: Mapping[str, str] | None, normalization: Normalization = "none"
) -> Instance:
    """Renames the label or the tags of an instance, as `renamed_label` does."""
    if names is None or instance.target is None:
        return instance
    target: Target = instance.target
    renamed = (
        renamed_label(target, names, normalization)
        if isinstance(target, str)
        else tuple(renamed_label(tag, names, normalization) for tag in target)
    )
    return replace(instance, target=renamed)


def with_known_target(
    instance: Instance, names: Mapping[str, str] | None, normalization: Normalization = "none"
) -> Instance:
    """Renames the label or the tags of an instance, or leaves its target out if `names` lacks one; None renames
    nothing.
    """
    try:
        return with_renamed_target(instance, names, normalization)
    except DataError:
        return replace(instance, target=None)


def renamed_label(label: str, names: Mapping[str, str] | None, normalization: Normalization = "none") -> str:
    """Returns the name of a label, by its normal form, which the keys of `names` are in; None renames nothing.

    Raises DataError if `names` lacks it.
    """
    if names is None:
        return label
    label = normalized(label, normalization)
    if label not in names:
        known = ", ".join(names)
        raise DataError(
            f"label '{on_one_line(label)}' is not in the reader's `labels` ({known}); add it there or mend it"
        )
    return names[label]
