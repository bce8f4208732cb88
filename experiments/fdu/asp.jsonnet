// Adversarial shared-private LSTMs on FDU-MTL: Liu et al. 2019, Table 1, column SP-MTL, which is ASP-MTL of Liu, Qiu and
// Huang 2017. `--tla-str preset=paper` takes the settings of DC-MTL and IC-MTL, `preset=liu2017` its own paper's.
local fdu = import '../lib/fdu.libsonnet';

function(preset='common', pool=null)
  fdu.experiment(
    function(chosen) {
      type: 'adversarial_shared_private',
      encoder: { type: 'lstm', hidden_dim: chosen.hidden_dim },
    },
    preset,
    pool
  )
