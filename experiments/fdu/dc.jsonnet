// DC-MTL on FDU-MTL: Liu et al. 2019, Table 1, column DC-MTL. `--tla-str preset=paper` takes their settings,
// `--tla-str pool=mean`, `max` or `attention` has heads read all states in place of the last.
local fdu = import '../lib/fdu.libsonnet';

function(preset='common', pool=null)
  fdu.experiment(
    function(chosen) {
      type: 'message_passing',
      hidden_dim: chosen.hidden_dim,
      communicator: { type: 'direct' },
    },
    preset,
    pool
  )
