export { pgliteEngine } from './pglite-engine.js';
