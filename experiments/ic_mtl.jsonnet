// IC-MTL (Liu et al. 2019) on the VADER corpora: each task's LSTM reads, at every word, a message from a shared LSTM.
local vader = import 'lib/vader.libsonnet';

vader.experiment({
  type: 'message_passing',
  hidden_dim: vader.hidden_dim,
  communicator: { type: 'indirect' },
})
