// FDU-MTL: 16 domains of review sentiment (Liu, Qiu and Huang 2017), the text benchmark of both papers.
// Needs the folder that holds fdu-mtl/ and glove/: set MTLKIT_DATA, or give --str data=FOLDER.
local data = std.extVar('data');

local domains = [
  'apparel', 'baby', 'books', 'camera_photo', 'dvd', 'electronics', 'health_personal_care', 'imdb',
  'kitchen_housewares', 'magazines', 'MR', 'music', 'software', 'sports_outdoors', 'toys_games', 'video',
];

local lstm(hidden_dim) = { type: 'lstm', hidden_dim: hidden_dim };
local bilstm(hidden_dim) = { type: 'bilstm', hidden_dim: hidden_dim };

// `encoder` is what the systems are made of that do not say it themselves, and `pool` how its states become one.
// Only 100-d vectors are at hand where Liu et al. have 200-d ones; give others with
// -o vocabulary.pretrained=FILE -o model.embedder.dim=200.
local presets = {
  // One trainer for all systems, so that they compare.
  common: {
    hidden_dim: 100,
    encoder: lstm(100),
    pool: 'last',
    max_length: 250,
    embedder: { dropout: 0.2 },
    initializers: [],
    trainer: { epochs: 12, patience: 3, batch_size: 32, optimizer: { type: 'adam', lr: 1e-3 } },
  },
  // What Liu et al. 2019 print for DC-MTL and IC-MTL; no dropout.
  paper: {
    hidden_dim: 200,
    encoder: lstm(200),
    pool: 'last',
    max_length: 400,
    embedder: { dropout: 0.0 },
    initializers: [{ pattern: '^(sharing\\.(?!mixtures)|heads\\.)', initializer: { type: 'uniform', bound: 0.1 } }],
    trainer: { epochs: 50, patience: 12, batch_size: 8, optimizer: { type: 'adadelta' } },
  },
  // What Liu, Qiu and Huang 2017 print for the systems whose figures Liu et al. 2019 copy. They do not print the size.
  liu2017: self.paper {
    trainer: { epochs: 50, patience: 12, batch_size: 16, optimizer: { type: 'sgd', lr: 0.01 } },
  },
  // Chen et al. 2018: 50 units in each direction, the mean of the states. They print neither learning rate nor dropout
  // nor longest text; dropout, and zeros for words without a vector, are in an author's public code.
  chen: {
    hidden_dim: 50,
    encoder: bilstm(50),
    pool: 'mean',
    max_length: 400,
    embedder: { dropout: 0.2, unknown: 'zeros' },
    initializers: [],
    trainer: { epochs: 50, patience: 12, batch_size: 64, optimizer: { type: 'adam', lr: 1e-3 } },
  },
};

local task(domain, max_length, pool) = {
  reader: {
    type: 'text_classification',
    labels: { '0': 'negative', '1': 'positive' },
    skip_empty: true,  // one train text of sports_outdoors
  },
  train: '%s/fdu-mtl/%s.train.tsv.gz' % [data, domain],
  dev: '%s/fdu-mtl/%s.dev.tsv.gz' % [data, domain],
  test: '%s/fdu-mtl/%s.test.tsv.gz' % [data, domain],
  head: { type: 'classifier', pool: pool },
  max_length: max_length,
};

{
  // An experiment on all domains. `sharing` takes the preset and gives the scheme. `pool` is for systems that cannot do
  // with the preset's.
  experiment(sharing, preset='common', pool=null)::
    assert std.objectHas(presets, preset) :
           "preset is one of %s, not '%s'" % [std.join(', ', std.objectFields(presets)), preset];
    local chosen = presets[preset];
    {
      tasks: { [domain]: task(domain, chosen.max_length, if pool == null then chosen.pool else pool) for domain in domains },
      vocabulary: { min_count: 2, pretrained: data + '/glove/glove.6B.100d.fdu.txt.gz' },
      model: {
        embedder: { type: 'words', dim: 100 } + chosen.embedder,
        sharing: sharing(chosen),
        initializers: chosen.initializers,
      },
      trainer: chosen.trainer,
    },

  // Each domain as if it were trained alone: the tasks share nothing, not even the embedder, and each keeps its own best
  // epoch. `encoder` takes the preset.
  single_task(encoder, preset='common', pool=null)::
    $.experiment(function(chosen) { type: 'private', encoder: encoder(chosen) }, preset, pool) + {
      model+: { share_embedder: false },
      trainer+: { selection: { type: 'per_task' } },
    },
}
