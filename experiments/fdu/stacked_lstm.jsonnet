// Two LSTMs on top of each other for each domain of FDU-MTL: Liu et al. 2019, Table 1, column sLSTM (they do not say how
// many). The tasks share nothing, not even the embedder. `--tla-str preset=liu2017` takes the settings of the paper that
// the column comes from.
local fdu = import '../lib/fdu.libsonnet';

function(preset='common')
  fdu.single_task(
    function(chosen) { type: 'stacked', layers: std.repeat([{ type: 'lstm', hidden_dim: chosen.hidden_dim }], 2) },
    preset
  )
