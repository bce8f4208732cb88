// Module pool and controller on FDU-MTL: Chen et al. 2018, Table 1, column "Ours". A search by Algorithm 1, then
// "per-task fine-tuning with shared parameters fixed". `--tla-str preset=common` compares with Liu et al.'s systems.
//   --tla num_samples=5      paths drawn for a batch, the N of Algorithm 1, which is not printed (N = 20 counts modules)
local fdu = import '../lib/fdu.libsonnet';
local stages = import '../lib/search_stages.libsonnet';

function(preset='chen', num_modules=20, num_samples=5)
  stages.search_and_tune(
    fdu.experiment(
      // Any module may follow any other, so they give states of the embeddings' size in every preset: 50 a direction.
      function(chosen) {
        type: 'pool',
        module: { type: 'bilstm', hidden_dim: 50 },
        num_modules: num_modules,
        selector: { type: 'controller' },
      },
      preset,
      pool='mean'
    ),
    { type: 'simultaneous_online', num_samples: num_samples }
  )
