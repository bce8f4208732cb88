// Attention between the Transformers of the tasks, on the VADER corpora: message passing (Liu et al. 2019) without LSTMs.
// Each task has a stack of Transformer layers, and each of its states reads a message through the paper's gate.
//   --tla communicator=NAME   'direct': from the other tasks' states at the same word; 'indirect': from all states of a
//                             Transformer that the tasks share
//   --tla layers=N            layers of each stack
local small = import 'lib/small.libsonnet';

function(communicator='direct', layers=2)
  small.experiment({
    type: 'message_passing',
    communicator: { type: communicator },
    reader: {
      type: 'layer',
      layer: {
        type: 'stacked',
        layers: [{ type: 'transformer_layer', dropout: 0.1 } for _ in std.range(1, layers)],
      },
    },
  })
