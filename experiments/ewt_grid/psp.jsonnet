// Parallel shared-private BiLSTMs on the grid: Chen et al. 2018, Table 3, columns PSP. Arguments: lib/ewt.libsonnet.
local ewt = import '../lib/ewt.libsonnet';

ewt.system(function(chosen) { type: 'parallel_shared_private', encoder: chosen.encoder })
