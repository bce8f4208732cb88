// Domain x task grid on the English Web Treebank, 20 tasks; compare Chen et al. 2018, Table 3, which is on OntoNotes.
//   --tla-str sharing=direct      direct communication, all tasks hear all: 19 senders, the slowest
//   --tla-str sharing=fully_shared, --tla-str sharing=private      the baselines FS and BiLSTM
//   --tla-str pos=XPOS            Penn tags in place of the universal ones
local ewt = import 'lib/ewt.libsonnet';

// Chen et al. give their BiLSTMs 50 units in each direction. All schemes get the same size, and both directions: a tagger
// that reads one way only has not seen the word to the right (Liu et al. 2019 do not say what they do for tagging).
local hidden_dim = 50;
local bilstm = { type: 'bilstm', hidden_dim: hidden_dim };
local message_passing(communicator) = {
  type: 'message_passing',
  hidden_dim: hidden_dim,
  bidirectional: true,
  communicator: { type: communicator },
};

local schemes = {
  indirect: message_passing('indirect'),
  direct: message_passing('direct'),
  fully_shared: { type: 'fully_shared', encoder: bilstm },
  private: { type: 'private', encoder: bilstm },
};

// UPOS is the default for POS: open corpora in other languages and genres have it too, and the CRF has 17 labels, not 50.
function(sharing='indirect', pos='UPOS')
  assert std.objectHas(schemes, sharing) :
         "sharing is one of %s, not '%s'" % [std.join(', ', std.objectFields(schemes)), sharing];
  ewt.experiment(schemes[sharing], pos)
