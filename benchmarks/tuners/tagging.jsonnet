// The tagger that all programs of this folder tune: MiniLM and a linear layer over the first piece of each word, and here,
// where heads for tags are CRFs, a CRF on top.
local corpus = std.extVar('corpus');

{
  tasks: {
    pos: {
      reader: { type: 'columns', words: 0, tags: 1 },
      train: corpus + '/train.txt',
      head: { type: 'crf_tagger' },
    },
  },
  model: {
    embedder: { type: 'transformer', model: std.extVar('encoder'), pooling: 'first' },
    sharing: { type: 'fully_shared', encoder: { type: 'pass_through' } },
  },
  trainer: {
    epochs: 1,
    batch_size: 32,
    batch_tokens: 1024,
    optimizer: { type: 'adamw', lr: 5e-5, weight_decay: 0.01 },
    gradient_clip: 1.0,
  },
}
