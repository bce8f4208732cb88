// A BiLSTM-CRF of its own for each tagging task: Liu et al. 2019, Table 4, row LSTM+CRF, whose figures are those of Huang,
// Xu and Yu 2015. Arguments: lib/tagging.libsonnet. For chunks alone, with a recipe of their own: ../conll2000.jsonnet.
local tagging = import '../lib/tagging.libsonnet';

tagging.single_task(function(chosen) chosen.encoder)
