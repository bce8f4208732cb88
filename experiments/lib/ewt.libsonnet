// Five genres of the English Web Treebank x POS, chunks, named entities, semantic roles on the same sentences: 20 tasks,
// the open counterpart of the OntoNotes grid (7 domains, 27 tasks) of Chen et al. 2018, Tables 3 and 4.
// Needs the folder that holds seqlab/ and glove/: set MTLKIT_DATA, or give --str data=FOLDER.
//
// Every file of ewt_grid/ takes these arguments:
//   --tla-str preset=common    one trainer for all systems; or chen: as Chen et al. train for their Table 1
//   --tla-str grid=separate    20 tasks, a domain each, as in Table 3; or united: 4, each over all domains (Table 4)
//   --tla-str pos=UPOS         17 universal tags; or XPOS: 50, Penn's and those of the web, as in OntoNotes
//   --tla-str srl=arguments    of one predicate a sentence; or verb: which word it is, which Chen et al. most likely score
//   --tla-str char=none        words alone, as the paper says nothing of characters; or cnn: 30 numbers of a word's spelling
local data = std.extVar('data');
local corpus = data + '/seqlab/ewt-grid/';

local domains = ['weblog', 'newsgroup', 'email', 'reviews', 'answers'];

// Kind of task -> column of the files. SRL is the simple form: the arguments of one predicate a sentence, which the tagger
// has to find as well; `srl-*.tsv.gz`, with every predicate and its indicator, is another task.
// UPOS is the default for POS: open corpora in other languages and genres have it too, and the CRF has 17 labels, not 50.
local columns(pos) = { pos: pos, chunk: 'CHUNK', ner: 'NER', srl: 'SRL' };
local kinds = std.objectFields(columns(null));

// Name of a task -> what kind it is and of which domain, null for all.
local grids = {
  separate: { [domain + '_' + kind]: { kind: kind, domain: domain } for domain in domains for kind in kinds },
  united: { [kind]: { kind: kind, domain: null } for kind in kinds },
};

local words = { type: 'words', dim: 100, dropout: 0.2, unknown: 'zeros' };
local embedders = {
  none: { dim: 100, embedder: words },
  cnn: {
    dim: 130,
    embedder: { type: 'concatenated', embedders: [words, { type: 'characters', dim: 30, filters: 30, dropout: 0.2 }] },
  },
};

local types = { arguments: {}, verb: { types: ['V'] } };

local task(entry, pos, srl) = {
  reader: { type: 'columns', words: 'TOKEN', tags: columns(pos)[entry.kind], domain: entry.domain } +
          (if entry.kind == 'srl' then srl else {}),
  train: corpus + 'train.tsv.gz',
  dev: corpus + 'dev.tsv.gz',
  test: corpus + 'test.tsv.gz',
  head: { type: 'crf_tagger' },
  // Chen et al. score all four by token accuracy; so it comes first, and chooses the epoch. POS tags have no spans.
  metrics: [{ type: 'token_accuracy' }] + (if entry.kind == 'pos' then [] else [{ type: 'span_f1' }]),
};

// In each direction; printed for their Table 1, and of the sizes for tagging nothing is said. All systems read both ways:
// a tagger that reads one way only has not seen the word to the right.
local hidden_dim = 50;

// Both but for the order of the batches, which is theirs in neither: the tasks' sizes differ by a factor of two and more,
// and each text is seen once per epoch, in a mixed order.
local presets = {
  common: { epochs: 12, patience: 3, batch_size: 32 },
  chen: { epochs: 50, patience: 12, batch_size: 64 },
};

local one_of(name, value, known) =
  assert std.objectHas(known, value) :
         "%s is one of %s, not '%s'" % [name, std.join(', ', std.objectFields(known)), value];
  known[value];

{
  // An experiment. `sharing` takes what all systems are made of and gives the scheme.
  experiment(sharing, preset, grid, pos, char, srl)::
    local tasks = one_of('grid', grid, grids);
    local chosen_pos = one_of('pos', pos, { UPOS: 'UPOS', XPOS: 'XPOS' });
    local embedding = one_of('char', char, embedders);
    {
      tasks: { [name]: task(tasks[name], chosen_pos, one_of('srl', srl, types)) for name in std.objectFields(tasks) },
      vocabulary: { min_count: 2, pretrained: data + '/glove/glove.6B.100d.fdu.txt.gz' },
      model: {
        embedder: embedding.embedder,
        sharing: sharing({
          hidden_dim: hidden_dim,
          encoder: { type: 'bilstm', hidden_dim: hidden_dim },
          embedding_dim: embedding.dim,
          kinds: { [name]: tasks[name].kind for name in std.objectFields(tasks) },
        }),
      },
      trainer: one_of('preset', preset, presets) {
        optimizer: { type: 'adam', lr: 1e-3 },
        task_sampler: { type: 'proportional' },
      },
    },

  // An experiment file: what it says is the scheme, and it takes the arguments that all have.
  system(sharing):: function(preset='common', grid='separate', pos='UPOS', char='none', srl='arguments')
    $.experiment(sharing, preset, grid, pos, char, srl),

  // Each task as if it were trained alone: nothing is shared, not even the embedder, and each keeps its own best epoch.
  single_task(encoder)::
    function(preset='common', grid='separate', pos='UPOS', char='none', srl='arguments')
      $.experiment(function(chosen) { type: 'private', encoder: encoder(chosen) }, preset, grid, pos, char, srl) + {
        model+: { share_embedder: false },
        trainer+: { selection: { type: 'per_task' } },
      },
}
