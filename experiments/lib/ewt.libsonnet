// Five genres of the English Web Treebank x POS, chunks, named entities, semantic roles on the same sentences: 20 tasks,
// the open counterpart of the OntoNotes grid (7 domains, 27 tasks) of Chen et al. 2018, Table 3.
// Needs the folder that holds seqlab/ and glove/: set MTLKIT_DATA, or give --str data=FOLDER.
local data = std.extVar('data');
local corpus = data + '/seqlab/ewt-grid/';

local domains = ['weblog', 'newsgroup', 'email', 'reviews', 'answers'];

// Kind of task -> column of the files. SRL is the simple form: the arguments of one predicate a sentence, which the tagger
// has to find as well; `srl-*.tsv.gz`, with every predicate and its indicator, is another task.
local columns(pos) = { pos: pos, chunk: 'CHUNK', ner: 'NER', srl: 'SRL' };

// The first metric of a task chooses the epoch. POS tags have no spans.
local metrics(kind) =
  (if kind == 'pos' then [] else [{ type: 'span_f1' }]) + [{ type: 'token_accuracy' }];

local task(domain, kind, column) = {
  reader: { type: 'columns', words: 'TOKEN', tags: column, domain: domain },
  train: corpus + 'train.tsv.gz',
  dev: corpus + 'dev.tsv.gz',
  test: corpus + 'test.tsv.gz',
  head: { type: 'crf_tagger' },
  metrics: metrics(kind),
};

{
  // An experiment on all 20 tasks, named as in `email_ner`. `pos` is 'UPOS' (17 tags) or 'XPOS' (50, Penn).
  experiment(sharing, pos='UPOS'):: {
    assert std.member(['UPOS', 'XPOS'], pos) : "pos is 'UPOS' or 'XPOS', not '%s'" % pos,
    tasks: {
      [domain + '_' + kind]: task(domain, kind, columns(pos)[kind])
      for domain in domains
      for kind in std.objectFields(columns(pos))
    },
    vocabulary: { min_count: 2, pretrained: data + '/glove/glove.6B.100d.fdu.txt.gz' },
    model: {
      embedder: {
        type: 'concatenated',
        embedders: [
          { type: 'words', dim: 100, dropout: 0.3 },
          { type: 'characters', dim: 30, filters: 30, dropout: 0.3 },
        ],
      },
      sharing: sharing,
      dropout: 0.3,
    },
    trainer: {
      epochs: 15,
      patience: 3,
      batch_size: 32,
      optimizer: { type: 'adam', lr: 1e-3 },
      // The tasks' sizes differ by a factor of two and more; each is seen once per epoch, in a mixed order.
      task_sampler: { type: 'proportional' },
    },
  },
}
