// A BiLSTM of its own for each domain of FDU-MTL: column BiLSTM of Liu et al. 2019, Table 1, and with
// `--tla-str preset=chen` that of Chen et al. 2018, Table 1. The tasks share nothing, not even the embedder.
local fdu = import '../lib/fdu.libsonnet';

function(preset='common')
  fdu.single_task(
    function(chosen) { type: 'bilstm', hidden_dim: chosen.hidden_dim },  // in each direction
    preset,
    'mean'  // in the last state, the half that reads from the right has read one word
  )
