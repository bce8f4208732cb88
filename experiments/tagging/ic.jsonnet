// IC-MTL on the tagging tasks: Liu et al. 2019, Table 4, row IC-MTL. Arguments: lib/tagging.libsonnet.
local tagging = import '../lib/tagging.libsonnet';

tagging.system(function(chosen) {
  type: 'message_passing',
  hidden_dim: chosen.hidden_dim,
  bidirectional: true,
  communicator: { type: 'indirect' },
})
