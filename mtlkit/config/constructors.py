"""Reads constructors of components: which parameters they have, of which types, and which are run-time values."""

import inspect
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict

from mtlkit.config.spec import Spec
from mtlkit.errors import ComponentError

T = TypeVar("T")


class Constructor(Spec):
    """Base class of the settings derived from a constructor. The component's own docstring describes them."""

    model_config = ConfigDict(use_attribute_docstrings=False)


class RuntimeValue:
    """Marks a constructor parameter as one that is passed when the component is built, not set in the experiment."""


Runtime = Annotated[T, RuntimeValue()]


def parameters_of(implementation: type) -> list[inspect.Parameter]:
    """Returns the parameters of the constructor without `self`; none if the class has no constructor of its own."""
    if implementation.__init__ is object.__init__:  # type: ignore[misc]  # only compared
        return []
    return list(inspect.signature(implementation.__init__).parameters.values())[1:]  # type: ignore[misc]  # without self


def hints_of(implementation: type) -> dict[str, Any]:
    """Returns the annotations of the constructor's parameters by name, with what `Annotated` adds to them."""
    if not parameters_of(implementation):
        return {}
    hints = get_type_hints(implementation.__init__, include_extras=True)  # type: ignore[misc]
    return {name: hint for name, hint in hints.items() if name != "return"}


def is_runtime(hint: Any) -> bool:
    """Whether a parameter with this annotation is passed when the component is built."""
    return get_origin(hint) is Annotated and any(isinstance(mark, RuntimeValue) for mark in get_args(hint)[1:])


def check_parameter(implementation: type, parameter: inspect.Parameter, hints: dict[str, Any]) -> None:
    """Checks that a parameter of the constructor can serve as a setting.

    Raises:
        ComponentError: the parameter is variadic, has no annotation or has a reserved name.
    """
    place = f"{where(implementation)}: parameter '{parameter.name}'"
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise ComponentError(f"{place} is variadic; name each setting, so that it can be checked")
    if parameter.name not in hints:
        raise ComponentError(f"{place} has no annotation; every setting needs a type")
    if parameter.name == "type" or parameter.name.startswith("_") or hasattr(BaseModel, parameter.name):
        raise ComponentError(f"{place} has a reserved name; choose another")


def where(cls: type) -> str:
    """The module and name of a class, as errors name it."""
    return f"{cls.__module__}.{cls.__qualname__}"
