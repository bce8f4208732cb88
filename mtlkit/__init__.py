"""mtlkit: declarative multi-task learning for text, where the sharing between tasks is the component you choose.

The public names are resolved when they are first used (PEP 562), so that `import mtlkit` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Communicator": "mtlkit.communicators",
    "Component": "mtlkit.config",
    "ConfigError": "mtlkit.errors",
    "DataError": "mtlkit.errors",
    "DatasetReader": "mtlkit.data",
    "Decoded": "mtlkit.heads",
    "Embedder": "mtlkit.embedders",
    "Encoder": "mtlkit.encoders",
    "Head": "mtlkit.heads",
    "Instance": "mtlkit.data",
    "Lazy": "mtlkit.config",
    "Logger": "mtlkit.training",
    "Message": "mtlkit.communicators",
    "Metric": "mtlkit.metrics",
    "ModelSelection": "mtlkit.training",
    "MtlkitError": "mtlkit.errors",
    "NonNegativeFloat": "mtlkit.types",
    "NonNegativeInt": "mtlkit.types",
    "Optimizer": "mtlkit.training",
    "PositiveFloat": "mtlkit.types",
    "PositiveInt": "mtlkit.types",
    "Probability": "mtlkit.types",
    "Runtime": "mtlkit.config",
    "Schedule": "mtlkit.training",
    "Shared": "mtlkit.sharing",
    "SharingScheme": "mtlkit.sharing",
    "TaskSampler": "mtlkit.training",
    "Text": "mtlkit.data",
    "Tokenizer": "mtlkit.data",
    "UpdateStrategy": "mtlkit.training",
}

__all__ = ["__version__", *_HOME]  # noqa: PLE0604  # all of them strings


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'mtlkit' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
