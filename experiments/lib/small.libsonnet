// What the experiments on the VADER corpora have in common: all but the way the tasks share. The tasks themselves come
// with mtlkit. Sizes are those of a small machine (minutes, not hours); the paper's own settings live in fdu.libsonnet.
local vader = import 'mtlkit/vader.libsonnet';

{
  hidden_dim: 100,

  // An experiment on the four domains with this sharing scheme.
  experiment(sharing):: {
    tasks: vader.tasks,
    vocabulary: { min_count: 2 },
    model: {
      embedder: { type: 'words', dim: 100, dropout: 0.2 },
      sharing: sharing,
    },
    trainer: { epochs: 8, batch_size: 32, patience: 2 },
  },
}
