// The four VADER corpora as tasks: sentences of movie reviews, product reviews, newspaper editorials, and tweets.
local task(domain) = {
  reader: { type: 'vader', domain: domain, tokenizer: { type: 'regex' } },
  train: 'train',
  dev: 'dev',
  test: 'test',
  head: { type: 'classifier' },
};

{
  tasks: { [domain]: task(domain) for domain in ['movie', 'product', 'editorial', 'tweet'] },
}
