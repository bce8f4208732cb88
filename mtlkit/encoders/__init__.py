"""Encoders: a sequence of vectors in, a sequence of states out."""

from mtlkit.encoders.bilstm import BilstmEncoder
from mtlkit.encoders.cnn import CnnEncoder
from mtlkit.encoders.encoder import Encoder
from mtlkit.encoders.lstm import LstmEncoder
from mtlkit.encoders.stacked import StackedEncoder

__all__ = ["Encoder", "BilstmEncoder", "CnnEncoder", "LstmEncoder", "StackedEncoder"]
