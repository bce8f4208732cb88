"""Initialisers: what parameters begin as."""

from mtlkit.initializers.constant import Constant
from mtlkit.initializers.initializer import Initializer
from mtlkit.initializers.normal import Normal
from mtlkit.initializers.orthogonal import Orthogonal
from mtlkit.initializers.uniform import Uniform
from mtlkit.initializers.xavier_uniform import XavierUniform

__all__ = ["Initializer", "Constant", "Normal", "Orthogonal", "Uniform", "XavierUniform"]
