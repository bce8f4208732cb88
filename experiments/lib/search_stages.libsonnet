// Chen et al. 2018 in two stages: a search for paths through the pool, and fine-tuning along those it has found.
//
// Files that end in `search_or_control` take these arguments:
//   --tla num_modules=20           modules in the pool
//   --tla num_samples=5            paths drawn for a batch, the N of Algorithm 1, which is not printed (N = 20 counts modules)
//   --tla-str paths=controller     who chooses the paths; or one of the controls that the paper lacks: no_exploration,
//                                  uniform_then_greedy, random (nothing is learned of paths), fixed (one for all tasks)
//   --tla path='[0, 1]'            that one path, for paths=fixed
{
  // An experiment with one trainer becomes one with two stages, in which the search uses `update_strategy`.
  search_and_tune(experiment, update_strategy)::
    { [key]: experiment[key] for key in std.objectFields(experiment) if key != 'trainer' } + {
      stages: [
        { name: 'search', trainer: experiment.trainer { update_strategy: update_strategy } },
        {
          name: 'fine_tune',
          // "The sequence of the biggest probability."
          derive: { type: 'greedy' },
          // Words and modules are shared, so what is left are the heads. They have no parameter in common: each is
          // trained as if it were alone, and keeps its own best epoch.
          trainer: experiment.trainer { frozen: ['^embedders\\.', '^sharing\\.'], selection: { type: 'per_task' } },
        },
      ],
    },

  // The same for a pool whose selector follows from `paths`. A control has both stages too, so that they compare.
  search_or_control(experiment, num_samples, paths, path)::
    local search = { type: 'simultaneous_online', num_samples: num_samples };
    local choices = {
      controller: { selector: { type: 'controller' }, update_strategy: search },
      no_exploration: { selector: { type: 'controller', exploration: 0 }, update_strategy: search },
      uniform_then_greedy: { selector: { type: 'uniform_then_greedy' }, update_strategy: search },
      random: { selector: { type: 'random' }, update_strategy: { type: 'joint' } },
      fixed: {
        selector: { type: 'fixed', paths: std.mapWithKey(function(_, _task) path, experiment.tasks) },
        update_strategy: { type: 'joint' },
      },
    };
    assert std.objectHas(choices, paths) :
           "paths is one of %s, not '%s'" % [std.join(', ', std.objectFields(choices)), paths];
    local choice = choices[paths];
    $.search_and_tune(
      experiment { model+: { sharing+: { selector: choice.selector } } },
      choice.update_strategy
    ),
}
