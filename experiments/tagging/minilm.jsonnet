// The tagging tasks on MiniLM, tuned, frozen or with adapters, under any sharing scheme. Arguments:
// lib/pretrained.libsonnet, and ner and pos of lib/tagging.libsonnet. MiniLM ignores case, which names are told by:
// another encoder may suit entities better.
local pretrained = import '../lib/pretrained.libsonnet';
local tagging = import '../lib/tagging.libsonnet';

function(
  scheme='fs',
  mode='tuned',
  encoder=pretrained.minilm.encoder,
  num_layers=pretrained.minilm.num_layers,
  width=pretrained.minilm.width,
  ner='wikigold',
  pos='XPOS'
)
  local words = tagging.experiment(function(chosen) {}, 'common', 'none', ner, pos, 'bio', {});
  pretrained.experiment(words, scheme, mode, encoder, num_layers, width)
