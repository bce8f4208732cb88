"""Readers: how a task's network takes in the messages of the others."""

from mtlkit.sharing.readers.layer import LayerReader
from mtlkit.sharing.readers.lstm import LstmReader
from mtlkit.sharing.readers.reader import Incoming, Reader

__all__ = ["Incoming", "Reader", "LayerReader", "LstmReader"]
