export { historyContract, type HistoryHarness } from './contract.js';
