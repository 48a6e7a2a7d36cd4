import { blocksOf } from './support/markdown.js';
import { load } from './support/snippets.js';

// the examples of the pages with their tests, as they stand there: each registers the cases of its contract
for (const page of ['docs/adapters.md', 'docs/passes.md', 'docs/policies.md']) {
  load(blocksOf(page, 'ts').filter(({ info }) => info.endsWith('.ts')));
}
