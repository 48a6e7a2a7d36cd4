export { passBook, type PassBook } from './book/pass-book.js';
export { passPolicy, type PassPolicyOptions } from './policy/pass-policy.js';
export { memoryPassStore } from './store/memory-store.js';
export { applyChange, applySpending } from './rules/spending.js';
export { PASS_TYPES, type PassTerms, type PassType, type SessionData } from './types/session-data.js';
export type { Awaitable, Pass, PassChange, PassStore, Spending } from './types/store.js';
export type { PassBookOptions, PassEvents, Remaining, Speed } from './types/book.js';
export type { Expiry, Over } from './rules/availability.js';
export type { TopUp } from './rules/terms.js';
