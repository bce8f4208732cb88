"""Encoders: a sequence of vectors in, a sequence of states out."""

from mtlkit.encoders.bilstm import BilstmEncoder
from mtlkit.encoders.cnn import CnnEncoder
from mtlkit.encoders.encoder import Encoder
from mtlkit.encoders.lstm import LstmEncoder
from mtlkit.encoders.side_by_side import encode_side_by_side
from mtlkit.encoders.stacked import StackedEncoder

__all__ = ["Encoder", "BilstmEncoder", "CnnEncoder", "LstmEncoder", "StackedEncoder", "encode_side_by_side"]
