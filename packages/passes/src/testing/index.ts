export { passStoreContract } from './contract.js';
export type { PassStoreHarness } from './contract.js';
