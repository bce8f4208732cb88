// Fully shared LSTM on FDU-MTL: Liu et al. 2019, Table 1, column FS-MTL. `--tla-str preset=paper` takes their settings;
// `preset=chen` makes it the fully shared BiLSTM of Chen et al. 2018, Table 1, column FS; `pool=attention` is a control.
local fdu = import '../lib/fdu.libsonnet';

function(preset='common', pool=null)
  fdu.experiment(
    function(chosen) {
      type: 'fully_shared',
      encoder: chosen.encoder,
    },
    preset,
    pool
  )
