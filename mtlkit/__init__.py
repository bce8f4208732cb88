"""mtlkit: declarative multi-task learning for text, where the sharing between tasks is the component you choose.

The public names are resolved when they are first used (PEP 562), so that `import mtlkit` costs nothing.
"""

from importlib import import_module

# Not from `typing`: with `python -m mtlkit` this runs while the current folder may still have a `typing.py` of its own.
TYPE_CHECKING = False
if TYPE_CHECKING:  # for editors and type checkers, who do not run __getattr__
    from mtlkit.config import Component as Component
    from mtlkit.config import Lazy as Lazy
    from mtlkit.config import Runtime as Runtime
    from mtlkit.data import DatasetReader as DatasetReader
    from mtlkit.data import Instance as Instance
    from mtlkit.data import Skipped as Skipped
    from mtlkit.data import StructuralRows as StructuralRows
    from mtlkit.data import Text as Text
    from mtlkit.data import Tokenizer as Tokenizer
    from mtlkit.data import Vectors as Vectors
    from mtlkit.data import Vocabulary as Vocabulary
    from mtlkit.embedders import Embedder as Embedder
    from mtlkit.encoders import Encoder as Encoder
    from mtlkit.errors import ConfigError as ConfigError
    from mtlkit.errors import DataError as DataError
    from mtlkit.errors import MtlkitError as MtlkitError
    from mtlkit.experiment import LoadedExperiment as LoadedExperiment
    from mtlkit.experiment import load_experiment as load_experiment
    from mtlkit.heads import Decoded as Decoded
    from mtlkit.heads import Head as Head
    from mtlkit.initializers import Initializer as Initializer
    from mtlkit.metrics import AdditiveMetric as AdditiveMetric
    from mtlkit.metrics import Metric as Metric
    from mtlkit.process.freed_memory import keep_freed_memory as keep_freed_memory
    from mtlkit.runs import Evaluation as Evaluation
    from mtlkit.runs import LoadedArchive as LoadedArchive
    from mtlkit.runs import Run as Run
    from mtlkit.runs import load_archive as load_archive
    from mtlkit.runs.evaluate import evaluate as evaluate
    from mtlkit.runs.export import export as export
    from mtlkit.runs.loaded_archive import predict as predict
    from mtlkit.runs.predict_file import PredictedFile as PredictedFile
    from mtlkit.runs.predict_file import predict_file as predict_file
    from mtlkit.runs.train import train as train
    from mtlkit.sharing import GuessTrace as GuessTrace
    from mtlkit.sharing import MixtureTrace as MixtureTrace
    from mtlkit.sharing import PathTrace as PathTrace
    from mtlkit.sharing import SearchableScheme as SearchableScheme
    from mtlkit.sharing import Shared as Shared
    from mtlkit.sharing import SharedLayer as SharedLayer
    from mtlkit.sharing import SharingScheme as SharingScheme
    from mtlkit.sharing import WordTrace as WordTrace
    from mtlkit.sharing.channel import Heard as Heard
    from mtlkit.sharing.communicators import Communicator as Communicator
    from mtlkit.sharing.communicators import Message as Message
    from mtlkit.sharing.communicators import Messages as Messages
    from mtlkit.sharing.explanations import Explanation as Explanation
    from mtlkit.sharing.readers import Incoming as Incoming
    from mtlkit.sharing.readers import Reader as Reader
    from mtlkit.sharing.selectors import ModulePath as ModulePath
    from mtlkit.sharing.selectors import Paths as Paths
    from mtlkit.sharing.selectors import PoolSelector as PoolSelector
    from mtlkit.training import Logger as Logger
    from mtlkit.training import ModelSelection as ModelSelection
    from mtlkit.training import Optimizer as Optimizer
    from mtlkit.training import PathDerivation as PathDerivation
    from mtlkit.training import Record as Record
    from mtlkit.training import Schedule as Schedule
    from mtlkit.training import TaskSampler as TaskSampler
    from mtlkit.training import UpdateStrategy as UpdateStrategy
    from mtlkit.types import NonNegativeFloat as NonNegativeFloat
    from mtlkit.types import NonNegativeInt as NonNegativeInt
    from mtlkit.types import PositiveFloat as PositiveFloat
    from mtlkit.types import PositiveInt as PositiveInt
    from mtlkit.types import Probability as Probability

__version__ = "0.1.0"

_HOME = {
    "AdditiveMetric": "mtlkit.metrics",
    "Communicator": "mtlkit.sharing.communicators",
    "Component": "mtlkit.config",
    "ConfigError": "mtlkit.errors",
    "DataError": "mtlkit.errors",
    "DatasetReader": "mtlkit.data",
    "Decoded": "mtlkit.heads",
    "Embedder": "mtlkit.embedders",
    "Encoder": "mtlkit.encoders",
    "Evaluation": "mtlkit.runs",
    "Explanation": "mtlkit.sharing.explanations",
    "GuessTrace": "mtlkit.sharing",
    "Head": "mtlkit.heads",
    "Heard": "mtlkit.sharing.channel",
    "Incoming": "mtlkit.sharing.readers",
    "Initializer": "mtlkit.initializers",
    "Instance": "mtlkit.data",
    "Lazy": "mtlkit.config",
    "LoadedArchive": "mtlkit.runs",
    "LoadedExperiment": "mtlkit.experiment",
    "Logger": "mtlkit.training",
    "Message": "mtlkit.sharing.communicators",
    "Messages": "mtlkit.sharing.communicators",
    "Metric": "mtlkit.metrics",
    "MixtureTrace": "mtlkit.sharing",
    "ModelSelection": "mtlkit.training",
    "ModulePath": "mtlkit.sharing.selectors",
    "MtlkitError": "mtlkit.errors",
    "NonNegativeFloat": "mtlkit.types",
    "NonNegativeInt": "mtlkit.types",
    "Optimizer": "mtlkit.training",
    "PathDerivation": "mtlkit.training",
    "PathTrace": "mtlkit.sharing",
    "Paths": "mtlkit.sharing.selectors",
    "PoolSelector": "mtlkit.sharing.selectors",
    "PositiveFloat": "mtlkit.types",
    "PositiveInt": "mtlkit.types",
    "PredictedFile": "mtlkit.runs.predict_file",
    "Probability": "mtlkit.types",
    "Reader": "mtlkit.sharing.readers",
    "Record": "mtlkit.training",
    "Run": "mtlkit.runs",
    "Runtime": "mtlkit.config",
    "Schedule": "mtlkit.training",
    "SearchableScheme": "mtlkit.sharing",
    "Shared": "mtlkit.sharing",
    "SharedLayer": "mtlkit.sharing",
    "SharingScheme": "mtlkit.sharing",
    "Skipped": "mtlkit.data",
    "StructuralRows": "mtlkit.data",
    "TaskSampler": "mtlkit.training",
    "Text": "mtlkit.data",
    "Tokenizer": "mtlkit.data",
    "UpdateStrategy": "mtlkit.training",
    "Vectors": "mtlkit.data",
    "Vocabulary": "mtlkit.data",
    "WordTrace": "mtlkit.sharing",
    "evaluate": "mtlkit.runs.evaluate",
    "export": "mtlkit.runs.export",
    "keep_freed_memory": "mtlkit.process.freed_memory",
    "load_archive": "mtlkit.runs",
    "load_experiment": "mtlkit.experiment",
    "predict": "mtlkit.runs.loaded_archive",
    "predict_file": "mtlkit.runs.predict_file",
    "train": "mtlkit.runs.train",
}

__all__ = ["__version__", *_HOME]  # all of them strings


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'mtlkit' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
