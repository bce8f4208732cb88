// Module pool and controller on FDU-MTL: Chen et al. 2018, Table 1, column "Ours". A search by Algorithm 1, then
// "per-task fine-tuning with shared parameters fixed". `--tla-str preset=common` compares with Liu et al.'s systems.
// The other arguments are in lib/search_stages.libsonnet.
local fdu = import '../lib/fdu.libsonnet';
local stages = import '../lib/search_stages.libsonnet';

function(preset='chen', num_modules=20, num_samples=5, paths='controller', path=[0, 1])
  // Any module may follow any other, so they give states of the embeddings' size in every preset: 50 a direction.
  local pool(chosen) = { type: 'pool', module: { type: 'bilstm', hidden_dim: 50 }, num_modules: num_modules };
  stages.search_or_control(fdu.experiment(pool, preset, pool='mean'), num_samples, paths, path)
