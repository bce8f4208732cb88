// The grid of domains and tasks on MiniLM, tuned, frozen or with adapters, under any sharing scheme. Arguments:
// lib/pretrained.libsonnet, and grid, pos and srl of lib/ewt.libsonnet.
local ewt = import '../lib/ewt.libsonnet';
local pretrained = import '../lib/pretrained.libsonnet';

function(
  scheme='fs',
  mode='tuned',
  encoder=pretrained.minilm.encoder,
  num_layers=pretrained.minilm.num_layers,
  width=pretrained.minilm.width,
  grid='separate',
  pos='UPOS',
  srl='arguments'
)
  local words = ewt.experiment(function(chosen) {}, 'common', grid, pos, 'none', srl);
  pretrained.experiment(words, scheme, mode, encoder, num_layers, width)
