// Ten made-up tasks whose relations are known: does each way of sharing find them? Nothing is fetched or read.
//   --tla-str sharing=NAME         one of the systems below
//   --tla seed=N                   another world (lexicons, sentences), and parameters that begin otherwise
//   --tla 'only=["low", "high"]'  these tasks alone
// `python experiments/planted_table.py` trains all systems with five seeds and checks the papers' claims on them.

// Two clusters of three tasks that share a rule and are short of texts; the rules of the clusters conflict. `low` teaches
// word by word the rule from which the labels of `high` follow. `alone1` and `alone2` have rules of their own, and texts
// enough to do without help.
local settings = {
  a1: { rule: 'a', sample: 1, texts: 80 },
  a2: { rule: 'a', sample: 2, texts: 80 },
  a3: { rule: 'a', sample: 3, texts: 80 },
  b1: { rule: 'b', sample: 1, texts: 80 },
  b2: { rule: 'b', sample: 2, texts: 80 },
  b3: { rule: 'b', sample: 3, texts: 80 },
  low: { rule: 'c', sample: 1, texts: 120, target: 'tags' },
  high: { rule: 'c', sample: 2, texts: 80 },
  alone1: { rule: 'd', sample: 1, texts: 300 },
  alone2: { rule: 'e', sample: 1, texts: 300 },
};
local rules = ['a', 'b', 'c', 'd', 'e'];

// Vectors and states have one size, which the modules of a pool need, and all systems are made of the same LSTM.
local dim = 24;
local lstm = { type: 'lstm', hidden_dim: dim };
local message_passing(communicator) = { type: 'message_passing', hidden_dim: dim, communicator: { type: communicator } };
local pool(selector) = { type: 'pool', module: lstm, num_modules: 6, max_length: 2, selector: selector };
local search = { type: 'simultaneous_online', num_samples: 3 };

local senders(receiver, tasks) =
  local others = [task for task in tasks if task != receiver];
  local related = [task for task in others if settings[task].rule == settings[receiver].rule];
  if related == [] then others else related;

local systems(tasks) = {
  // Each task keeps its own best epoch, as if it had been trained alone.
  private: { sharing: { type: 'private', encoder: lstm }, trainer: { selection: { type: 'per_task' } } },
  fully_shared: { sharing: { type: 'fully_shared', encoder: lstm } },
  hierarchical: {
    sharing: {
      type: 'hierarchical',
      layers: [lstm, lstm],
      depths: { [task]: if task == 'low' then 1 else 2 for task in tasks },
    },
  },
  // DC-MTL and IC-MTL (Liu et al. 2019), and two readings of DC-MTL that the paper leaves open.
  direct: { sharing: message_passing('direct') },
  direct_per_task: { sharing: message_passing('direct') { share: 'per_task' } },
  direct_detached: { sharing: message_passing('direct') { detach_senders: true } },
  // What perfect attention would hear: tasks of the same rule alone; all others where there is none.
  direct_known: {
    sharing: message_passing('direct') { communicator+: { edges: { [task]: senders(task, tasks) for task in tasks } } },
  },
  indirect: { sharing: message_passing('indirect') },
  // Chen et al. 2018, Algorithm 1 as printed; and with what REINFORCE usually has: a baseline, rewards on data that the
  // modules have not been fitted to, and a higher rate.
  pool: { sharing: pool({ type: 'controller' }), trainer: { update_strategy: search } },
  pool_baseline: {
    sharing: pool({ type: 'controller' }),
    trainer: {
      update_strategy: search {
        baseline: 'mean',
        reward_on: 'dev',
        controller_optimizer: { type: 'adam', lr: 5e-3 },
      },
    },
  },
  // What a perfect search would find: one module for each rule.
  pool_known: {
    sharing: pool({
      type: 'fixed',
      paths: { [task]: std.find(settings[task].rule, rules) for task in tasks },
    }),
  },
};

local task(name, seed) =
  local chosen = settings[name];
  local target = std.get(chosen, 'target', 'label');
  {
    reader: {
      type: 'planted',
      rule: chosen.rule,
      target: target,
      sample: chosen.sample,
      seed: seed,
      num_words: 30,
    },
    train: 'train:%d' % chosen.texts,
    dev: 'dev:100',
    test: 'test:500',
    head: if target == 'tags' then { type: 'crf_tagger' } else { type: 'classifier', pool: 'mean' },
    metrics: [{ type: if target == 'tags' then 'token_accuracy' else 'accuracy' }],
  };

function(sharing='direct', seed=1, only=std.objectFields(settings))
  local known = systems(only);
  assert std.objectHas(known, sharing) :
         "sharing is one of %s, not '%s'" % [std.join(', ', std.objectFields(known)), sharing];
  {
    seed: seed,
    tasks: { [name]: task(name, seed) for name in only },
    model: {
      // Vectors stay as they begin: were they trained, tasks would share through them under every system.
      embedder: { type: 'words', dim: dim, trainable: false, init_range: 1.0 },
      sharing: known[sharing].sharing,
    },
    trainer: { epochs: 20, batch_size: 16, optimizer: { type: 'adam', lr: 5e-3 } }
             + std.get(known[sharing], 'trainer', {}),
  }
