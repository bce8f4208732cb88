// The tagger that all compare: BiLSTM(100)-CRF on CoNLL-2000 chunking, every word known, no dropout, no clipping.
local corpus = std.extVar('corpus');

{
  tasks: {
    chunk: {
      reader: { type: 'columns', words: 0, tags: 2 },
      train: corpus + '/train.txt',
      head: { type: 'crf_tagger' },
    },
  },
  vocabulary: { lowercase: false },
  model: {
    embedder: { type: 'words', dim: 100 },
    sharing: { type: 'private', encoder: { type: 'bilstm', hidden_dim: 100 } },
  },
  trainer: {
    epochs: 10,
    batch_size: 32,
    optimizer: { type: 'adam', lr: 1e-3 },
    gradient_clip: null,
  },
}
