// Adversarial shared-private BiLSTMs on the grid, the SP-MTL of Liu et al. 2019; in no table of Chen et al. 2018.
// Arguments: lib/ewt.libsonnet.
local ewt = import '../lib/ewt.libsonnet';

ewt.system(function(chosen) { type: 'adversarial_shared_private', encoder: chosen.encoder })
