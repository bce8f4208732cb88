"""Encoders: a sequence of vectors in, a sequence of states out."""

from mtlkit.encoders.encoder import Encoder
from mtlkit.encoders.layers import BilstmEncoder, CnnEncoder, LstmEncoder
from mtlkit.encoders.pass_through import PassThroughEncoder
from mtlkit.encoders.side_by_side import encode_side_by_side
from mtlkit.encoders.stacked import StackedEncoder
from mtlkit.encoders.transformer_layer import TransformerLayerEncoder

__all__ = [
    "Encoder",
    "BilstmEncoder",
    "CnnEncoder",
    "LstmEncoder",
    "PassThroughEncoder",
    "StackedEncoder",
    "TransformerLayerEncoder",
    "encode_side_by_side",
]
