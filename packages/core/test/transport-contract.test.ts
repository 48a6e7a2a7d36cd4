import { transportContract } from '../src/testing/index.js';
import { tinyHarness } from './support/tiny-harness.js';

transportContract(tinyHarness());

describe('transportContract', () => {
  it('says what is missing where there is no test runner', () => {
    const { describe: kept } = globalThis;
    Reflect.deleteProperty(globalThis, 'describe');
    try {
      expect(() => transportContract(tinyHarness())).toThrow(/describe\(\) and it\(\)/);
    } finally {
      globalThis.describe = kept;
    }
  });
});
