"""Records: what is written down of a model after each epoch."""

from mtlkit.training.records.gradient_cosine import GradientCosine
from mtlkit.training.records.record import Record
from mtlkit.training.records.sharing import SharingRecord

__all__ = ["Record", "GradientCosine", "SharingRecord"]
