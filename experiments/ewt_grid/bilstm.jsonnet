// A BiLSTM-CRF of its own for each task of the grid: Chen et al. 2018, Table 3, columns BiLSTM. Arguments: lib/ewt.libsonnet.
local ewt = import '../lib/ewt.libsonnet';

ewt.single_task(function(chosen) chosen.encoder)
