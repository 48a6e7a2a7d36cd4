import { blocksOf } from './support/markdown.js';
import { load } from './support/snippets.js';

// the adapter of the page, and the test of it, as they stand there: registers the cases of the transport contract
load(blocksOf('docs/adapters.md', 'ts').filter(({ info }) => info.endsWith('.ts')));
