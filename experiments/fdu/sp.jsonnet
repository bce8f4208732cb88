// Plain shared-private LSTMs on FDU-MTL: SP-MTL of Liu, Qiu and Huang 2017 (in Liu et al. 2019, SP-MTL is another one,
// asp.jsonnet). `--tla-str preset=liu2017` takes their settings.
local fdu = import '../lib/fdu.libsonnet';

function(preset='common')
  fdu.experiment(
    function(chosen) {
      type: 'parallel_shared_private',
      encoder: { type: 'lstm', hidden_dim: chosen.hidden_dim },
    },
    preset
  )
