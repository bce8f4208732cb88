// IC-MTL (Liu et al. 2019) on the VADER corpora: each task's LSTM reads, at every word, a message from a shared LSTM.
local vader = import 'mtlkit/vader.libsonnet';

{
  tasks: vader.tasks,
  vocabulary: { min_count: 2 },
  model: {
    embedder: { type: 'words', dim: 100, dropout: 0.2 },
    sharing: { type: 'message_passing', hidden_dim: 100, communicator: { type: 'indirect' } },
  },
  trainer: { epochs: 8, batch_size: 32, patience: 2 },
}
