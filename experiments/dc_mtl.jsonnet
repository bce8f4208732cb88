// DC-MTL (Liu et al. 2019) on the VADER corpora: each task's LSTM hears, at every word, the LSTMs of the other tasks.
local small = import 'lib/small.libsonnet';

small.experiment({
  type: 'message_passing',
  hidden_dim: small.hidden_dim,
  communicator: { type: 'direct' },
})
