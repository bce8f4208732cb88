// IC-MTL (Liu et al. 2019) on the VADER corpora: each task's LSTM reads, at every word, a message from a shared LSTM.
//   --tla hidden=N     units of each LSTM
//   --tla l2=X         the optimiser's weight decay; the paper's grid is {0, 1e-5, 5e-5}, by `mtlkit sweep`
local small = import 'lib/small.libsonnet';

function(hidden=small.hidden_dim, l2=0)
  small.experiment({
    type: 'message_passing',
    hidden_dim: hidden,
    communicator: { type: 'indirect' },
  }) + { trainer+: { optimizer: { type: 'adam', weight_decay: l2 } } }
