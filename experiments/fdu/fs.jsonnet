// Fully shared LSTM on FDU-MTL: Liu et al. 2019, Table 1, column FS-MTL. `--tla-str preset=paper` takes their settings.
local fdu = import '../lib/fdu.libsonnet';

function(preset='common')
  fdu.experiment(
    function(chosen) {
      type: 'fully_shared',
      encoder: { type: 'lstm', hidden_dim: chosen.hidden_dim },
    },
    preset
  )
