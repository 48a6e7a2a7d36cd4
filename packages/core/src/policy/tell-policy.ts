import type { Logger } from '../support/logger.js';
import { isPromise } from '../support/promises.js';
import type { Policy } from '../types/policy.js';

type Told = 'attach' | 'closed' | 'settled';

/** Tells a policy what needs no answer. What it throws, or rejects with, is logged, and affects nothing else. */
export function tellPolicy<Method extends Told>(
  logger: Logger,
  policy: Policy,
  method: Method,
  ...args: Parameters<NonNullable<Policy[Method]>>
): void {
  try {
    const result: unknown = (policy[method] as ((...all: unknown[]) => unknown) | undefined)?.apply(policy, args);
    if (isPromise(result)) result.then(undefined, (error: unknown) => logFailure(logger, policy, method, error));
  } catch (error) {
    logFailure(logger, policy, method, error);
  }
}

const logFailure = (logger: Logger, { name }: Policy, method: Told, error: unknown): void =>
  logger.error({ err: error, policy: name }, `a policy failed in ${method}()`);
