/**
 * The only error class of the kit. `code` is stable and documented in `docs/errors.md`; the message says what happened and what
 * to try; the original error, if any, is in `cause`. Refusing a viewer is not an error but a verdict.
 */
export class StreamSessionsError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StreamSessionsError';
    this.code = code;
  }
}
