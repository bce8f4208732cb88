// An LSTM of its own for each domain of FDU-MTL: Liu et al. 2019, Table 1, column LSTM. The tasks share nothing, not even
// the embedder. `--tla-str preset=paper` takes their settings, `preset=chen` those of Chen et al. 2018, Table 1, LSTM (who
// do not say whether a network that reads one way has 50 units or 100).
local fdu = import '../lib/fdu.libsonnet';

function(preset='common', pool=null)
  fdu.single_task(function(chosen) { type: 'lstm', hidden_dim: chosen.hidden_dim }, preset, pool)
