"""What `torch.compile` makes of a training step. mtlkit does not use it (docs/performance.md); those who do are not to
wait for it again at every new length.
"""

import pytest
import torch
from torch._dynamo.utils import counters

from mtlkit.config import Lazy
from mtlkit.data import Batch, Text, Vocabulary
from mtlkit.embedders import WordEmbedder
from mtlkit.encoders import BilstmEncoder
from mtlkit.heads import Classifier
from mtlkit.kernels.compute import Compute, hand_down
from mtlkit.model import MultiTaskModel
from mtlkit.sharing import FullyShared


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # which torch itself looks at
def test_no_length_of_texts_makes_new_graphs():
    torch.manual_seed(0)
    vocabulary = Vocabulary.of("abcdef", labels={"one": "xyz"})
    scheme = FullyShared(Lazy.of(BilstmEncoder, hidden_dim=3), input_dim=4)
    head = Classifier(input_dim=scheme.output_dim, labels=vocabulary.labels("one"))
    embedder = WordEmbedder(4, vocabulary=vocabulary, vectors=None)
    model = MultiTaskModel({"shared": embedder}, scheme, {"one": head}, {"one": 1.0})
    hand_down(model, Compute("pure"))

    def loss(batch):
        return model.loss(batch).total

    def batch_of(length):
        mask_BT = torch.arange(length) < torch.tensor([[length], [length - 1], [1]])
        words_BT = torch.randint(2, 8, mask_BT.shape) * mask_BT
        return Batch("one", Text(mask_BT, {"words": words_BT}), torch.tensor([0, 2, 1]), torch.arange(3))

    torch._dynamo.reset()
    counters.clear()
    compiled = torch.compile(loss, dynamic=True, backend="eager")
    compiled(batch_of(7)).backward()
    graphs = counters["stats"]["unique_graphs"]
    assert graphs > 0
    for length in (5, 12, 31):
        batch = batch_of(length)
        torch.testing.assert_close(compiled(batch), loss(batch))
    assert counters["stats"]["unique_graphs"] == graphs
    torch._dynamo.reset()
