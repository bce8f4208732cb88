// MT-CNN on the tagging tasks: words are shared, each task has a convolution of its own (Collobert and Weston 2008); Liu
// et al. 2019, Table 4, row MT-CNN. Filters and width are not printed. Arguments: lib/tagging.libsonnet.
local tagging = import '../lib/tagging.libsonnet';

// As many filters as the other systems' states have numbers, both directions together.
tagging.system(function(chosen) { type: 'private', encoder: { type: 'cnn', filters: 2 * chosen.hidden_dim } })
