// Stacked shared-private BiLSTMs on the grid: Chen et al. 2018, Table 3, columns SSP. Arguments: lib/ewt.libsonnet.
local ewt = import '../lib/ewt.libsonnet';

ewt.system(function(chosen) { type: 'stacked_shared_private', encoder: chosen.encoder })
