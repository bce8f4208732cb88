// IC-MTL (Liu et al. 2019) on the VADER corpora: each task's LSTM reads, at every word, a message from a shared LSTM.
local small = import 'lib/small.libsonnet';

small.experiment({
  type: 'message_passing',
  hidden_dim: small.hidden_dim,
  communicator: { type: 'indirect' },
})
