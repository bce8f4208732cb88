"""Builds a pretrained encoder from its configuration, with or without its weights."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from mtlkit.archive.fitting import forms_in
from mtlkit.errors import ConfigError
from mtlkit.process.processor_time import OutOfTime
from mtlkit_transformers.sources import WEIGHTS

FREE_NUMBERS = 2**16
"""How many numbers an encoder may have that its file of weights does not hold, such as the positions that it counts."""
MOST_TIMES = 2
"""How many times the numbers of an encoder an archive's file of its weights may hold. Files of whole models have the
output layer of their pretraining as well, which is smaller than the encoder.
"""
FLOATS = frozenset({"F64", "F32", "F16", "BF16"})


def empty_encoder(config: Any) -> nn.Module:
    """Builds an encoder whose weights are not trained. On the meta device it takes no memory.

    Raises:
        ConfigError: the configuration does not fit the encoder. The message is to follow the name of the encoder.
    """
    from transformers import AutoModel

    try:
        model: nn.Module = AutoModel.from_config(config, trust_remote_code=False)
    except OutOfTime:
        raise
    except Exception as error:  # whatever the classes of encoders do with sizes that do not fit
        raise ConfigError(f"it cannot be built from its config.json ({_first_line(error)}); use another copy") from None
    return _without_pooler(model)


def pretrained_encoder(folder: Path, config: Any, model: str) -> nn.Module:
    """Builds an encoder in float32, with the weights in a folder's model.safetensors. No other file is read.

    Args:
        folder: the folder.
        config: the encoder's configuration, as an object of `transformers`.
        model: the name of the encoder for messages.

    Raises:
        ConfigError: the weights do not fit the configuration.
    """
    from safetensors.torch import load_file

    with torch.device("meta"):
        outline = empty_encoder(config)
    try:
        weights = load_file(folder / WEIGHTS)
        _check_size(outline, sum(tensor.numel() for tensor in weights.values()))
        with _quiet():
            loaded, report = type(outline).from_pretrained(  # type: ignore[attr-defined]  # of every model of theirs
                None,
                config=config,
                state_dict=weights,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
            )
        encoder = _without_pooler(loaded)
        _check_complete(encoder, report)
    except (OSError, ValueError, RuntimeError, SafetensorError, LookupError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"the encoder {model}: its weights cannot be loaded ({_first_line(error)}); use another copy of its folder "
            "or of the archive that names it"
        ) from None
    return encoder.train()  # as every new module is, while `transformers` has switched dropout off


def check_forms(encoder: nn.Module, file: Path, remedy: str) -> None:
    """Makes sure, by the header of a file of weights, that it holds those of an encoder and not much else.

    No memory is allocated for the weights, and none for the encoder if it is on the meta device. So of an archive, the
    configuration bounds the weights and the weights bound the configuration.

    Args:
        encoder: the encoder that its config.json describes, with any weights.
        file: a safetensors file.
        remedy: what to do if they do not fit, as the end of a sentence.

    Raises:
        ConfigError: the two do not fit each other. The message is to follow the name of the encoder.
    """
    try:
        forms = forms_in(file)
        given = sum(math.prod(form.shape) for form in forms.values())
        _check_size(encoder, given)
        if given > MOST_TIMES * (wanted := _size_of(encoder)) + FREE_NUMBERS:
            raise ValueError(f"{WEIGHTS} holds {given:,} numbers, and config.json describes {wanted:,}")
        shapes = {name: tuple(parameter.shape) for name, parameter in encoder.named_parameters()}
        prefix = f"{encoder.base_model_prefix}."  # before the names in files of models with an output layer
        for name, form in forms.items():
            shape = shapes.get(name.removeprefix(prefix))
            if shape is not None and (form.shape != shape or form.dtype not in FLOATS):
                raise ValueError(f"{name} is {form}, and config.json describes F32 {list(shape)}")
    except (OSError, ValueError, SafetensorError) as error:
        what = f"its weights are not those of its config.json alone ({_first_line(error)})"
        raise ConfigError(f"{what}; {remedy}") from None


@torch.no_grad()
def check_reads(encoder: nn.Module, ids: Sequence[int]) -> None:
    """Makes sure that an encoder can read tokens at all, which a configuration that has been tampered with may prevent.

    Raises:
        ConfigError: it cannot. The message is to follow the name of the encoder.
    """
    row_1P = torch.tensor([ids], dtype=torch.long)
    was_training = encoder.training
    try:
        encoder.eval()(input_ids=row_1P, attention_mask=torch.ones_like(row_1P), return_dict=True)
    except OutOfTime:
        raise
    except Exception as error:  # whatever the classes of encoders do with sizes that do not fit
        raise ConfigError(f"it reads no text with its config.json ({_first_line(error)}); use another copy") from None
    finally:
        encoder.train(was_training)


def stack_of(encoder: nn.Module, number: int) -> list[nn.Module]:
    """Returns the layers of an encoder, from the input up; empty if it has no list of so many, as where it reads one
    layer many times.
    """
    stacks = [each for each in encoder.modules() if isinstance(each, nn.ModuleList) and len(each) == number]
    return list(stacks[0]) if stacks else []


def input_vectors(encoder: nn.Module) -> nn.Embedding:
    """The table of the vectors of pieces, to which an encoder adds those of positions and segments."""
    found: nn.Embedding = encoder.get_input_embeddings()  # type: ignore[operator]  # of every model of theirs
    return found


def _check_size(outline: nn.Module, given: int) -> None:
    """Raises ValueError if an encoder has more numbers than its weights, before memory is allocated for them."""
    if (wanted := _size_of(outline)) > given + FREE_NUMBERS:
        raise ValueError(f"config.json describes {wanted:,} numbers, and {WEIGHTS} holds {given:,}")


def _size_of(encoder: nn.Module) -> int:
    """The number of an encoder's numbers."""
    return sum(tensor.numel() for tensor in (*encoder.parameters(), *encoder.buffers()))


def _check_complete(encoder: nn.Module, report: Mapping[str, Any]) -> None:
    """Raises ValueError if `transformers` has filled parameters with random numbers, of which it only warns."""
    names = {name for name, _ in encoder.named_parameters()}
    if missing := sorted(names & set(report["missing_keys"])):
        raise ValueError(f"they lack {missing[0]}")
    if others := sorted(name for name, *_ in report["mismatched_keys"] if name in names):
        raise ValueError(f"{others[0]} has not the shape that config.json describes")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps `transformers` from reporting on what it loads, such as on parts that only its pretraining had."""
    from transformers.utils import logging

    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()


def _without_pooler(model: nn.Module) -> nn.Module:
    """Removes the layer over the first token, which nothing reads and which would stay without gradients."""
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # type: ignore[assignment]
    return model


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
