// An LSTM of its own for each domain of FDU-MTL: Liu et al. 2019, Table 1, column LSTM. The tasks share nothing, not even
// the embedder. `--tla-str preset=paper` takes their settings.
local fdu = import '../lib/fdu.libsonnet';

function(preset='common')
  fdu.experiment(
    function(chosen) {
      type: 'private',
      encoder: { type: 'lstm', hidden_dim: chosen.hidden_dim },
    },
    preset
  ) + {
    model+: { share_embedder: false },
    trainer+: { selection: { type: 'per_task' } },
  }
