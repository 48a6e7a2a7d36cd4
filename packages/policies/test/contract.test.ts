import { createHmac } from 'node:crypto';
import type { HttpHit } from '@stream-sessions/core';
import { policyContract, type FakeClock } from '@stream-sessions/core/testing';
import {
  allowDeny,
  concurrencyPolicy,
  httpAuthorizer,
  jwtPolicy,
  signedUrlPolicy,
  signToken,
  speedPolicy,
} from '@stream-sessions/policies';
import { hit } from './support/make.js';
import { say, startAuthoriser } from './support/authoriser.js';

const KEY = 'a key of at least thirty-two bytes, for tests';
const DAY_MS = 86_400_000;

/** Each number has an address of its own. */
const from = (n: number, over: Partial<HttpHit> = {}): HttpHit =>
  hit({ ip: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, ...over });

const REFUSES_NOBODY = [
  'says why it refuses, and not by what token',
  'keeps next to nothing of strangers that it refused',
];

policyContract({
  name: 'signedUrlPolicy',
  start: (clock: FakeClock) => {
    const expiresAt = clock.now() + DAY_MS;
    return {
      policy: signedUrlPolicy({ keys: KEY }),
      allowed: (n) => from(n, { token: signToken({ key: KEY, stream: 'cam1', expiresAt: expiresAt + n }) }),
      refused: (n) => from(n, { token: signToken({ key: `${KEY}!`, stream: 'cam1', expiresAt: expiresAt + n }) }),
    };
  },
});

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (sub: string, secret: string): string => {
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
};

policyContract({
  name: 'jwtPolicy',
  start: () => ({
    policy: jwtPolicy({ secret: KEY }),
    allowed: (n) => from(n, { token: jwt(`viewer ${n}`, KEY) }),
    refused: (n) => from(n, { token: jwt(`viewer ${n}`, `${KEY}!`) }),
  }),
});

policyContract({
  name: 'allowDeny',
  start: () => ({
    policy: allowDeny({ deny: [{ userAgent: 'wget' }] }),
    allowed: (n) => from(n),
    refused: (n) => from(n, { userAgent: `wget/${n}` }),
  }),
});

policyContract({
  name: 'concurrencyPolicy per token',
  skip: REFUSES_NOBODY.map((name) => ({ case: name, reason: 'nobody is refused while nobody else is in' })),
  start: () => ({
    policy: concurrencyPolicy({ per: 'token', max: 1 }),
    allowed: (n) => from(n, { token: `viewer ${n}` }),
  }),
});

policyContract({
  name: 'speedPolicy',
  skip: REFUSES_NOBODY.map((name) => ({ case: name, reason: 'it refuses nobody' })),
  start: () => ({ policy: speedPolicy({ downMbits: 4 }), allowed: (n) => from(n) }),
});

policyContract({
  name: 'httpAuthorizer',
  start: async () => {
    const service = await startAuthoriser();
    service.answer = (res, body) => {
      service.questions.length = 0; // the memory that counts is that of the policy
      say(body.includes('friend') ? 200 : 403)(res);
    };
    return {
      policy: httpAuthorizer({ url: service.url }),
      allowed: (n) => from(n, { token: `friend-${n}` }),
      refused: (n) => from(n, { token: `stranger-${n}` }),
      stop: () => service.goDown(),
    };
  },
});
