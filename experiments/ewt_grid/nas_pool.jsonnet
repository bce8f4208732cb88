// Module pool and controller on the grid: Chen et al. 2018, Table 3, columns "Ours"; and with grid=united Table 4, whose
// pool in Figure 4 has 4 modules (--tla num_modules=4). A search by Algorithm 1, then "per-task fine-tuning with shared
// parameters fixed". Beside the arguments in lib/ewt.libsonnet, those of the pool are in lib/search_stages.libsonnet.
local ewt = import '../lib/ewt.libsonnet';
local stages = import '../lib/search_stages.libsonnet';

function(
  preset='common',
  grid='separate',
  pos='UPOS',
  char='none',
  srl='arguments',
  num_modules=20,
  num_samples=5,
  paths='controller',
  path=[0, 1]
)
  local pool(chosen) = {
    type: 'pool',
    // Both directions together are as wide as the embeddings, so that any module may follow any other: 50 for words alone.
    module: { type: 'bilstm', hidden_dim: chosen.embedding_dim / 2 },
    num_modules: num_modules,
  };
  stages.search_or_control(ewt.experiment(pool, preset, grid, pos, char, srl), num_samples, paths, path)
