// Stacked shared-private BiLSTMs on FDU-MTL: Chen et al. 2018, Table 1, column SSP. `--tla-str preset=common` takes the
// trainer and the LSTMs that all systems have in common, so that they compare.
local fdu = import '../lib/fdu.libsonnet';

function(preset='chen')
  fdu.experiment(
    function(chosen) {
      type: 'stacked_shared_private',
      encoder: chosen.encoder,
    },
    preset
  )
