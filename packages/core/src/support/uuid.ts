import { randomUUID } from 'node:crypto';
import { ownCopy } from './strings.js';

/** A new UUID as one text: Node joins it of twenty parts, and V8 keeps those, ten times as long, for as long as the UUID. */
export const newUuid = (): string => ownCopy(randomUUID());
