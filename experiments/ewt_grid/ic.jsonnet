// IC-MTL (Liu et al. 2019) on the grid; in no table of Chen et al. 2018. Arguments: lib/ewt.libsonnet.
local ewt = import '../lib/ewt.libsonnet';

ewt.system(function(chosen) {
  type: 'message_passing',
  hidden_dim: chosen.hidden_dim,
  bidirectional: true,
  communicator: { type: 'indirect' },
})
