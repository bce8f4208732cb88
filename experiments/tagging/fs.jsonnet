// Fully shared BiLSTM on the tagging tasks: Liu et al. 2019, Table 4, row FS-MTL, whose figures are those of a GRU (Yang,
// Salakhutdinov and Cohen 2016). Arguments: lib/tagging.libsonnet.
local tagging = import '../lib/tagging.libsonnet';

tagging.system(function(chosen) { type: 'fully_shared', encoder: chosen.encoder })
