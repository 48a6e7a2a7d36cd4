export { openMaxMind, type MaxMindOptions, type MaxMindResolver } from './open-maxmind.js';
