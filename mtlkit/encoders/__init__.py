"""Encoders: a sequence of vectors in, a sequence of states out."""

from mtlkit.encoders.encoder import Encoder
from mtlkit.encoders.layers import BilstmEncoder, CnnEncoder, LstmEncoder
from mtlkit.encoders.side_by_side import encode_side_by_side
from mtlkit.encoders.stacked import StackedEncoder

__all__ = ["Encoder", "BilstmEncoder", "CnnEncoder", "LstmEncoder", "StackedEncoder", "encode_side_by_side"]
