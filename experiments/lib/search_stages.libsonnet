// Chen et al. 2018 in two stages: a search for paths through the pool, and fine-tuning along those it has found.
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
}
