"""Components: named, swappable parts whose constructor is their schema.

An *interface* derives from `Component` directly and lists the run-time values that it offers to its implementations:

    class Encoder(nn.Module, Component, offers=("input_dim",)): ...

    @Encoder.register("lstm")
    class LstmEncoder(Encoder):
        def __init__(self, hidden_dim: PositiveInt, *, input_dim: Runtime[int]) -> None: ...

`registrable` holds the names. Its traps are closed here: it imports any dotted name it is asked for (code execution
from a downloaded archive), opens a second registry when an implementation registers, and runs its checks after adding.
"""

import inspect
import re
from abc import ABCMeta
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, get_args, get_origin

from pydantic import create_model
from pydantic.errors import PydanticUserError

from mtlkit.config.constructors import Constructor, check_parameter, hints_of, is_runtime, parameters_of, where
from mtlkit.config.spec import Spec, nearest
from mtlkit.errors import ComponentError

if TYPE_CHECKING:

    class Registrable:
        """The part of registrable's class that is used here; the package ships no types."""

        @classmethod
        def register(cls, name: str) -> Callable[[type], type]: ...

        @classmethod
        def by_name(cls, name: str) -> Any: ...

        @classmethod
        def list_available(cls) -> list[str]: ...
else:
    from registrable import Registrable

C = TypeVar("C", bound="Component")

FILES = "files"
"""Name of the run-time value that `Lazy.build` supplies itself: the folder with the files that `save_files` wrote."""
IN_EXTRAS = {
    ("Embedder", "transformer"): "mtlkit[transformers]",
    ("SharingScheme", "adapter_pool"): "mtlkit[transformers]",
}
"""What to install for components that have plugins of ours, by interface and name."""


@dataclass(frozen=True)
class SavedFiles:
    """A folder of files that a component has saved."""

    folder: Path
    held_by: object = None
    """An object that keeps the folder from being deleted for as long as it is referenced, if the folder is temporary.
    """


class Component(Registrable, metaclass=ABCMeta):
    """Base class of all interfaces. The class keyword `offers` lists the run-time values that `Lazy.build` is given.

    An interface that offers `files` lets its components keep small files of their own, such as a tokenizer's
    vocabulary. `save_files` writes them when a run begins; they are stored in the run directory and in the archive.
    From then on their folder is passed to the constructor as `files: Runtime[Path | None]`, which is None before
    anything was saved.
    """

    offers: ClassVar[tuple[str, ...]] = ()
    when_left_out: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """What stands for run-time values that the interface offers and that `Lazy.build` may be called without."""
    registered_name: ClassVar[str] = ""
    settings: ClassVar[type[Spec]] = Spec
    saves_files: ClassVar[bool] = False
    """Whether the class overrides `save_files`."""
    built_from: object = None
    """The part of the experiment that the component was built from. Set only if the component saves files."""
    _interfaces: ClassVar[dict[str, type["Component"]]] = {}

    def __init_subclass__(cls, *, offers: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if is_interface(cls):
            cls.offers = offers
            kind = cls.kind()
            if kind in Component._interfaces:
                raise ComponentError(
                    f"two interfaces are named {kind}: {where(Component._interfaces[kind])}, {where(cls)}"
                )
            Component._interfaces[kind] = cls
        elif offers:
            raise ComponentError(f"{cls.__name__} is not an interface, so it cannot offer run-time values")

    def save_files(self, folder: Path) -> None:
        """Writes the component's own small files, at least one, into an empty folder.

        File names must be plain, without folders. The content must depend neither on weights nor on the task, because a
        component that is built several times (once per task, for example) is saved only once.
        """
        raise NotImplementedError(f"{where(type(self))} saves no files")

    def save_frozen(self, folder: Path) -> None:
        """Writes weights that the component does not train and that an archive is to hold, beside what `save_files` has
        written. Default: none.

        They are written once, when a run begins, and are in no checkpoint. They may be as large as other weights; their
        names end with `.safetensors`. What identifies them, such as a digest, belongs to the files of `save_files`: two
        components are equal if those are.
        """
        del folder

    @classmethod
    def kind(cls) -> str:
        """The name of the interface in snake_case, as used on the command line and in error messages."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", interface_of(cls).__name__).lower()

    @classmethod
    def register(cls: type[C], name: str) -> Callable[[type[C]], type[C]]:
        """Returns a class decorator that registers an implementation under `name`.

        Raises:
            ComponentError: the name is not a plain snake_case name or is already taken, the class does not implement
                this interface, or its constructor cannot serve as a schema.
        """

        def add(implementation: type[C]) -> type[C]:
            _check_registration(cls, name, implementation)
            implementation.settings = _settings_from_constructor(cls, name, implementation)
            implementation.registered_name = name
            implementation.saves_files = _saves_files(implementation)
            super(Component, cls).register(name)(implementation)
            return implementation

        return add

    @classmethod
    def by_name(cls: type[C], name: str) -> type[C]:
        """Returns the implementation registered under `name`. Never imports anything.

        Raises:
            LookupError: the name is not registered; the message suggests the nearest one, or what to install.
        """
        known = cls.list_available()
        if name not in known:
            extra = IN_EXTRAS.get((cls.__name__, name))
            hint = f"; it needs a plugin: pip install '{extra}'" if extra else nearest(name, known)
            raise LookupError(f"no {cls.__name__} '{name}'{hint} (known: {', '.join(known) or 'none'})")
        found: type[C] = super().by_name(name)
        return found

    @classmethod
    def list_available(cls) -> list[str]:
        """The registered names, sorted."""
        return sorted(super().list_available())


def interfaces() -> dict[str, type[Component]]:
    """Returns all interfaces whose modules have been imported, by kind."""
    return dict(sorted(Component._interfaces.items()))


def is_interface(cls: type) -> bool:
    """Whether `cls` derives from `Component` directly."""
    return Component in cls.__bases__


def interface_of(cls: type[Component]) -> type[Component]:
    """The interface that `cls` is or implements."""
    return next(base for base in cls.__mro__ if is_interface(base))


@cache
def runtime_names(implementation: type[Component]) -> tuple[str, ...]:
    """Returns the names of the constructor parameters that are passed at build time."""
    return tuple(name for name, hint in hints_of(implementation).items() if is_runtime(hint))


def _check_registration(interface: type[Component], name: str, implementation: type[Component]) -> None:
    if not is_interface(interface):
        parent = interface_of(interface).__name__
        raise ComponentError(
            f"register {implementation.__name__} with @{parent}.register, not @{interface.__name__}.register"
        )
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ComponentError(f"{interface.__name__} name '{name}' must be a plain snake_case name without dots")
    if not (inspect.isclass(implementation) and issubclass(implementation, interface)):
        raise ComponentError(
            f"{where(implementation)} must derive from {interface.__name__} to be registered as '{name}'"
        )
    if "registered_name" in vars(implementation):
        raise ComponentError(f"{where(implementation)} is registered already, as '{implementation.registered_name}'")
    if missing := sorted(getattr(implementation, "__abstractmethods__", ())):
        raise ComponentError(
            f"{where(implementation)} does not define {', '.join(missing)}, as {interface.__name__} asks"
        )
    if FILES not in interface.offers and _saves_files(implementation):
        raise ComponentError(f"{where(implementation)} defines save_files, and {interface.__name__} keeps no files")
    if name in interface.list_available():
        taken = where(interface.by_name(name))
        raise ComponentError(
            f"{interface.__name__} '{name}' is registered twice: by {taken} and by {where(implementation)}; "
            "rename one, or, if it is one plugin, installed and included by --include-package, leave out that option"
        )


def _settings_from_constructor(interface: type[Component], name: str, implementation: type[Component]) -> type[Spec]:
    """Derives the pydantic model of a component's settings from its constructor, and adds the field `type`."""
    hints = hints_of(implementation)
    fields: dict[str, Any] = {"type": (Literal[name], name)}
    runtime = []
    for parameter in parameters_of(implementation):
        check_parameter(implementation, parameter, hints)
        hint = hints[parameter.name]
        _check_not_built(implementation, parameter.name, hint)
        if is_runtime(hint):
            runtime.append(parameter.name)
        else:
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[parameter.name] = (hint, default)
    if unknown := [asked for asked in runtime if asked not in interface.offers]:
        raise ComponentError(
            f"{where(implementation)} asks for {', '.join(unknown)} at build time; "
            f"{interface.__name__} offers {', '.join(interface.offers) or 'nothing'}"
        )
    if _saves_files(implementation) != (FILES in runtime):
        lacks = "its constructor does not ask for files" if FILES not in runtime else "it asks for files only"
        raise ComponentError(
            f"{where(implementation)}: {lacks}; a component with files of its own defines save_files(folder) and has "
            "the parameter `files: Runtime[Path | None]`"
        )
    given = type(
        "Given", (Constructor,), {"given_by_mtlkit": interface.offers, "__module__": implementation.__module__}
    )
    try:
        return create_model(
            f"{interface.__name__}.{name}", __base__=given, __module__=implementation.__module__, **fields
        )
    except PydanticUserError as error:
        raise ComponentError(f"{where(implementation)}: the constructor cannot serve as a schema: {error}") from error


def _check_not_built(implementation: type, name: str, hint: Any) -> None:
    if wanted := _bare_interface(hint):
        raise ComponentError(
            f"{where(implementation)}: parameter '{name}' asks for a built {wanted.__name__}; "
            f"annotate it Lazy[{wanted.__name__}]"
        )


def _bare_interface(hint: Any) -> type[Component] | None:
    """Returns an interface that `hint` mentions outside `Lazy`, or None."""
    if inspect.isclass(hint) and issubclass(hint, Component):
        return hint
    if getattr(get_origin(hint), "__name__", "") == "Lazy" or is_runtime(hint):
        return None
    return next((found for part in get_args(hint) if (found := _bare_interface(part))), None)


def _saves_files(implementation: type[Component]) -> bool:
    return implementation.save_files is not Component.save_files
