// Fully shared BiLSTM on the grid: FS, which Chen et al. 2018 describe and leave out of Table 3. Arguments:
// lib/ewt.libsonnet. With -o model.sharing.encoder.hidden_dim=342 it has as many parameters as a pool of 20 modules.
local ewt = import '../lib/ewt.libsonnet';

ewt.system(function(chosen) { type: 'fully_shared', encoder: chosen.encoder })
