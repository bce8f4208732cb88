// Cross-stitched BiLSTMs on the grid, two layers: Chen et al. 2018, Table 3, columns CS. All 20 networks run on each
// batch. Arguments: lib/ewt.libsonnet.
local ewt = import '../lib/ewt.libsonnet';

ewt.system(function(chosen) { type: 'cross_stitch', encoder: chosen.encoder })
