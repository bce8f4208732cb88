// FDU-MTL on MiniLM, tuned, frozen or with adapters, under any sharing scheme: does communication between tasks still pay
// when the encoder is strong? Arguments: lib/pretrained.libsonnet.
local fdu = import '../lib/fdu.libsonnet';
local pretrained = import '../lib/pretrained.libsonnet';

function(
  scheme='fs',
  mode='tuned',
  encoder=pretrained.minilm.encoder,
  num_layers=pretrained.minilm.num_layers,
  width=pretrained.minilm.width
)
  local words = fdu.experiment(function(chosen) {}, pool='mean');
  pretrained.experiment(words, scheme, mode, encoder, num_layers, width)
