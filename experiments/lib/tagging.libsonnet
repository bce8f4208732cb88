// The three tagging tasks of Liu et al. 2019, Table 4, on open corpora. Chunks are theirs, CoNLL-2000. The Penn Treebank
// and CoNLL-2003 need licences: POS tags are the English Web Treebank's instead, entities WikiGold's (the labels of
// CoNLL-2003, on 39,000 words of Wikipedia) or WNUT-17's (six other types, tweets and the like). So only the figures for
// chunks stand beside the paper's.
// Needs the folder that holds seqlab/ and glove/: set MTLKIT_DATA, or give --str data=FOLDER.
//
// Every file of tagging/ takes these arguments:
//   --tla-str preset=common    one trainer for all systems; or paper: what Liu et al. print
//   --tla-str char=cnn         30 numbers of a word's spelling beside its vector; or gru, as in the work that Liu et al.
//                              compare with; or none, the literal reading
//   --tla-str ner=wikigold     or wnut17
//   --tla-str pos=XPOS         Penn's tags and those of the web; or UPOS, the universal ones
//   --tla-str scheme=bio       how the CRF tells spans; or iobes, while targets, answers and scores stay BIO
//   --tla lambda='{"ner": 0.8}'   weights of the tasks' losses, 1 where none is given; the paper's grid is {1, 0.8, 0.5}
local data = std.extVar('data');

local seqlab(folder, train, dev, test) = {
  train: '%s/seqlab/%s/%s.gz' % [data, folder, train],
  dev: '%s/seqlab/%s/%s.gz' % [data, folder, dev],
  test: '%s/seqlab/%s/%s.gz' % [data, folder, test],
};
local tsv(folder) = seqlab(folder, 'train.tsv', 'dev.tsv', 'test.tsv');

local spans(scheme) = {
  head: { type: 'crf_tagger', scheme: scheme },
  metrics: [{ type: 'span_f1' }, { type: 'token_accuracy' }],
};

// The training file less its last 936 sentences, which serve as dev: the original has none.
local chunk(scheme) = seqlab('conll2000', 'train-8000.txt', 'dev.txt', 'test.txt') + spans(scheme) + {
  reader: { type: 'columns', words: 0, tags: 2 },
};
local ner(scheme) = {
  [corpus]: tsv(corpus) + spans(scheme) + { reader: { type: 'columns', words: 'TOKEN', tags: 'NER' } }
  for corpus in ['wikigold', 'wnut17']
};
local pos = {
  [column]: tsv('ewt-pos-ner') + {
    reader: { type: 'columns', words: 'TOKEN', tags: column },
    head: { type: 'crf_tagger' },
    metrics: [{ type: 'token_accuracy' }],  // there are no spans
  }
  for column in ['XPOS', 'UPOS']
};

// Where the paper says nothing of directions, all systems read both ways, with `hidden_dim` units each.
local presets = {
  common: {
    hidden_dim: 100,
    dropout: 0.3,
    trainer: { epochs: 25, patience: 5, batch_size: 16, optimizer: { type: 'adam', lr: 1e-3 } },
  },
  // As for DC-MTL and IC-MTL on texts; no dropout. Only 100-d vectors are at hand where they have 200-d ones.
  paper: {
    hidden_dim: 200,
    dropout: 0.0,
    trainer: { epochs: 50, patience: 12, batch_size: 8, optimizer: { type: 'adadelta' } },
    initializers: [{ pattern: '^(sharing|heads)\\.', initializer: { type: 'uniform', bound: 0.1 } }],
  },
};

local embedders(dropout) =
  local words = { type: 'words', dim: 100, dropout: dropout };
  local with(characters) = { type: 'concatenated', embedders: [words, characters { dim: 30, dropout: dropout }] };
  {
    none: words,
    cnn: with({ type: 'characters', filters: 30 }),
    gru: with({ type: 'character_gru', hidden_dim: 15 }),
  };

local one_of(name, value, known) =
  assert std.objectHas(known, value) :
         "%s is one of %s, not '%s'" % [name, std.join(', ', std.objectFields(known)), value];
  known[value];

{
  // An experiment. `sharing` takes the preset and gives the scheme.
  experiment(sharing, preset, char, ner_corpus, pos_column, scheme, lambda)::
    local chosen = one_of('preset', preset, presets);
    local tasks = {
      chunk: chunk(scheme),
      ner: one_of('ner', ner_corpus, ner(scheme)),
      pos: one_of('pos', pos_column, pos),
    };
    local unknown = [name for name in std.objectFields(lambda) if !std.objectHas(tasks, name)];
    assert unknown == [] :
           "lambda: no task is named '%s' (the tasks: %s)" % [unknown[0], std.join(', ', std.objectFields(tasks))];
    {
      tasks: std.mapWithKey(function(name, task) task { weight: std.get(lambda, name, 1) }, tasks),
      vocabulary: { min_count: 2, pretrained: data + '/glove/glove.6B.100d.fdu.txt.gz' },
      model: {
        embedder: one_of('char', char, embedders(chosen.dropout)),
        sharing: sharing(chosen { encoder: { type: 'bilstm', hidden_dim: chosen.hidden_dim } }),
        dropout: chosen.dropout,
        initializers: std.get(chosen, 'initializers', []),
      },
      // The tasks' sizes differ by a factor of ten; each text is seen once per epoch, in a mixed order.
      trainer: chosen.trainer { task_sampler: { type: 'proportional' } },
    },

  // An experiment file: what it says is the scheme, and it takes the arguments that all have.
  system(sharing)::
    function(preset='common', char='cnn', ner='wikigold', pos='XPOS', scheme='bio', lambda={})
      $.experiment(sharing, preset, char, ner, pos, scheme, lambda),

  // Each task as if it were trained alone: nothing is shared, not even the embedder, and each keeps its own best epoch.
  single_task(encoder)::
    function(preset='common', char='cnn', ner='wikigold', pos='XPOS', scheme='bio', lambda={})
      $.experiment(function(chosen) { type: 'private', encoder: encoder(chosen) }, preset, char, ner, pos, scheme, lambda) + {
        model+: { share_embedder: false },
        trainer+: { selection: { type: 'per_task' } },
      },
}
