import type { errors } from 'jose' with { 'resolution-mode': 'import' };
import { quoted, Unacceptable, what } from './unacceptable.js';

type Errors = typeof errors;

/** What jose finds wrong with a token, in the terms of this kit. Undefined: nothing is wrong with the token itself. */
export function faultOf(error: unknown, token: string, jose: Errors): Unacceptable | undefined {
  if (error instanceof Unacceptable) return error;
  if (error instanceof jose.JWTClaimValidationFailed || error instanceof jose.JWTExpired) {
    return new Unacceptable(claimFault(error));
  }
  if (error instanceof jose.JOSEAlgNotAllowed) {
    return new Unacceptable(`the token is signed with ${algorithmOf(token)}, which is not accepted`);
  }
  return SENTENCES.filter(([name]) => error instanceof jose[name]).map(([, sentence]) => new Unacceptable(sentence))[0];
}

const SENTENCES: readonly [keyof Errors, string][] = [
  ['JWSInvalid', 'the token is not a JWT'],
  ['JWTInvalid', 'the token is not a JWT'],
  ['JOSENotSupported', 'the header of the token asks for something that is not supported'],
  ['JWKSNoMatchingKey', 'the set of keys has none that fits the token'],
  ['JWSSignatureVerificationFailed', 'the signature is wrong'],
];

type ClaimError = Pick<InstanceType<Errors['JWTClaimValidationFailed']>, 'claim' | 'reason' | 'payload'>;

function claimFault({ claim, reason, payload }: ClaimError): string {
  const name = `the claim "${claim}"`;
  const value = payload[claim];
  if (reason === 'missing') return `${name} is missing`;
  // jose checks only the type of times
  if (reason === 'invalid') return `${name} is ${what(value)}, not a number of seconds since 1970`;
  return `${name} is ${typeof value === 'string' ? quoted(value) : what(value)}, which is not accepted`;
}

/** Only if it is a plain word. */
function algorithmOf(token: string): string {
  const header = Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString();
  const { alg } = JSON.parse(header) as { alg?: unknown };
  return typeof alg === 'string' && /^[\w-]{1,16}$/.test(alg) ? alg : 'something';
}
