// A pool of modules with a path per task, searched for while the modules are trained (Chen et al. 2018, Algorithm 1), and
// then, as they print, "per-task fine-tuning with shared parameters fixed"; on the VADER corpora. Smaller than printed,
// for a small machine; --tla num_modules=20 --tla num_samples=5 are the paper's pool and our default for the number of
// paths per batch, which it does not print. The other arguments are in lib/search_stages.libsonnet.
local small = import 'lib/small.libsonnet';
local stages = import 'lib/search_stages.libsonnet';

function(num_modules=6, num_samples=3, paths='controller', path=[0, 1])
  local base = small.experiment({
    type: 'pool',
    // Both directions together are as wide as the embeddings, so that any module may follow any other.
    module: { type: 'bilstm', hidden_dim: 50 },
    num_modules: num_modules,
  });
  // As printed: a linear layer on the mean of the states.
  local mean = { tasks: std.mapWithKey(function(_, task) task { head+: { pool: 'mean' } }, base.tasks) };
  stages.search_or_control(base + mean, num_samples, paths, path)
