// IC-MTL on FDU-MTL: Liu et al. 2019, Table 1, column IC-MTL. `--tla-str preset=paper` takes their settings.
local fdu = import '../lib/fdu.libsonnet';

function(preset='common')
  fdu.experiment(
    function(chosen) {
      type: 'message_passing',
      hidden_dim: chosen.hidden_dim,
      communicator: { type: 'indirect' },
    },
    preset
  )
