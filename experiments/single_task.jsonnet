// An LSTM of its own for each of the VADER corpora: what the multi-task models have to beat. Nothing that is learned is
// shared, not even word vectors; only the list of known words is, so that all three experiments see the same text.
local small = import 'lib/small.libsonnet';

small.experiment({
  type: 'private',
  encoder: { type: 'lstm', hidden_dim: small.hidden_dim },
}) + {
  model+: { share_embedder: false },
  // Each task keeps its own best epoch, as if it had been trained alone.
  trainer+: { selection: { type: 'per_task' } },
}
