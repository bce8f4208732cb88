// DC-MTL (Liu et al. 2019) on the VADER corpora: each task's LSTM hears, at every word, the LSTMs of the other tasks.
local vader = import 'lib/vader.libsonnet';

vader.experiment({
  type: 'message_passing',
  hidden_dim: vader.hidden_dim,
  communicator: { type: 'direct' },
})
