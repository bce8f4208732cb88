// Cross-stitched BiLSTMs on FDU-MTL, two layers: Chen et al. 2018, Table 1, column CS. All 16 networks run on each batch.
// `--tla-str preset=common` takes the trainer and the LSTMs that all systems have in common, so that they compare.
local fdu = import '../lib/fdu.libsonnet';

function(preset='chen')
  fdu.experiment(
    function(chosen) {
      type: 'cross_stitch',
      encoder: chosen.encoder,
    },
    preset
  )
