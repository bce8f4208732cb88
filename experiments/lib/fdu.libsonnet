// FDU-MTL: 16 domains of review sentiment (Liu, Qiu and Huang 2017), the text benchmark of both papers.
// Needs the folder that holds fdu-mtl/ and glove/: set MTLKIT_DATA, or give --str data=FOLDER.
local data = std.extVar('data');

local domains = [
  'apparel', 'baby', 'books', 'camera_photo', 'dvd', 'electronics', 'health_personal_care', 'imdb',
  'kitchen_housewares', 'magazines', 'MR', 'music', 'software', 'sports_outdoors', 'toys_games', 'video',
];

// What Liu et al. print (hidden 200, batch 8, AdaDelta; no dropout), and one trainer for all systems, so that they compare.
// Only 100-d vectors are at hand where the paper has 200-d ones; give others with
// -o vocabulary.pretrained=FILE -o model.embedder.dim=200.
local presets = {
  common: {
    hidden_dim: 100,
    max_length: 250,
    embedding_dropout: 0.2,
    trainer: { epochs: 12, patience: 3, batch_size: 32, optimizer: { type: 'adam', lr: 1e-3 } },
  },
  paper: {
    hidden_dim: 200,
    max_length: 400,
    embedding_dropout: 0.0,
    trainer: { epochs: 50, patience: 12, batch_size: 8, optimizer: { type: 'adadelta' } },
  },
};

local task(domain, max_length) = {
  reader: {
    type: 'text_classification',
    labels: { '0': 'negative', '1': 'positive' },
    skip_empty: true,  // one train text of sports_outdoors
  },
  train: '%s/fdu-mtl/%s.train.tsv.gz' % [data, domain],
  dev: '%s/fdu-mtl/%s.dev.tsv.gz' % [data, domain],
  test: '%s/fdu-mtl/%s.test.tsv.gz' % [data, domain],
  head: { type: 'classifier', pool: 'last' },
  max_length: max_length,
};

{
  // An experiment on all domains. `sharing` takes the preset and gives the scheme.
  experiment(sharing, preset='common')::
    assert std.objectHas(presets, preset) :
           "preset is one of %s, not '%s'" % [std.join(', ', std.objectFields(presets)), preset];
    local chosen = presets[preset];
    {
      tasks: { [domain]: task(domain, chosen.max_length) for domain in domains },
      vocabulary: { min_count: 2, pretrained: data + '/glove/glove.6B.100d.fdu.txt.gz' },
      model: {
        embedder: { type: 'words', dim: 100, dropout: chosen.embedding_dropout },
        sharing: sharing(chosen),
      },
      trainer: chosen.trainer,
    },
}
