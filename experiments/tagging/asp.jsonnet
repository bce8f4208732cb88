// Adversarial shared-private BiLSTMs on the tagging tasks: Liu et al. 2019, Table 4, row SP-MTL. Arguments:
// lib/tagging.libsonnet.
local tagging = import '../lib/tagging.libsonnet';

tagging.system(function(chosen) { type: 'adversarial_shared_private', encoder: chosen.encoder })
