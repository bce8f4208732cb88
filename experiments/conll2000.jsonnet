// BiLSTM-CRF on CoNLL-2000 chunking, with words, characters and GloVe (compare Liu et al. 2019, Table 4, LSTM+CRF).
// Needs the folder that holds seqlab/ and glove/: set MTLKIT_DATA, or give --str data=FOLDER.
local data = std.extVar('data');
local corpus = data + '/seqlab/conll2000/';

{
  tasks: {
    chunk: {
      reader: { type: 'columns', words: 0, tags: 2 },
      train: corpus + 'train-8000.txt.gz',  // the training file less its last 936 sentences,
      dev: corpus + 'dev.txt.gz',  // which serve as dev: the original has none
      test: corpus + 'test.txt.gz',
      head: { type: 'crf_tagger' },
    },
  },
  vocabulary: { min_count: 2, pretrained: data + '/glove/glove.6B.100d.fdu.txt.gz' },
  model: {
    embedder: {
      type: 'concatenated',
      embedders: [
        { type: 'words', dim: 100, dropout: 0.3 },
        { type: 'characters', dim: 30, filters: 50, dropout: 0.3 },
      ],
    },
    sharing: { type: 'private', encoder: { type: 'bilstm', hidden_dim: 200 } },
    dropout: 0.5,
  },
  trainer: {
    epochs: 25,
    patience: 5,
    batch_size: 16,
    optimizer: { type: 'adam', lr: 1e-3 },
    schedule: { type: 'exponential', decay: 0.93 },
  },
}
