import { transportContract } from '../src/testing/index.js';
import { tinyHarness } from './support/tiny-harness.js';

transportContract(tinyHarness());

describe('transportContract', () => {
  it('says that a test runner is missing', () => {
    const { describe: kept } = globalThis;
    Reflect.deleteProperty(globalThis, 'describe');
    try {
      expect(() => transportContract(tinyHarness())).toThrow(/describe\(\) and it\(\)/);
    } finally {
      globalThis.describe = kept;
    }
  });

  it('refuses to skip a case that does not exist, and names those that do', () => {
    const skip = [{ case: 'plays', reason: 'a slip of the pen' }];
    expect(() => transportContract({ ...tinyHarness(), skip })).toThrow(
      /no case "plays" to skip.*"opens one session per connection"/,
    );
  });
});
