// Two BiLSTMs for all tasks of the grid: POS tags and chunks are told from the lower one, entities and roles from the
// upper. Chen et al. 2018 draw it in Figure 1 and have it in no table. Arguments: lib/ewt.libsonnet.
local ewt = import '../lib/ewt.libsonnet';

local depths = { pos: 1, chunk: 1, ner: 2, srl: 2 };

ewt.system(function(chosen) {
  type: 'hierarchical',
  layers: std.repeat([chosen.encoder], 2),
  depths: std.mapWithKey(function(_, kind) depths[kind], chosen.kinds),
})
