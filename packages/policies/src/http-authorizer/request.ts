import type { Candidate } from '@stream-sessions/core';
import { withoutAbsent, withoutUserinfo } from '@stream-sessions/core/spi';
import { kindOf } from '../support/kinds.js';

/** How an authoriser is asked: a POST with this body. */
export interface Asked {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export type Payload = 'json' | 'mistserver' | 'mediamtx';

/** The request for each kind of authoriser. */
export const REQUESTS: Readonly<Record<Payload, (candidate: Candidate) => Asked>> = {
  json: (candidate) => json(ownNames(candidate)),
  mediamtx: (candidate) => json(mediaMtx(candidate)),
  mistserver: (candidate) => ({
    body: mistServer(candidate),
    headers: { 'content-type': 'text/plain', 'x-trigger': 'USER_NEW' },
  }),
};

const json = (facts: object): Asked => ({
  body: JSON.stringify(facts),
  headers: { 'content-type': 'application/json' },
});

/** Snake case, as in the REST API. A user whose password has not been checked is not named. */
function ownNames(candidate: Candidate): object {
  const { credentials } = candidate;
  return withoutAbsent({
    stream_code: candidate.stream,
    proto: candidate.protocol,
    kind: kindOf(candidate),
    ip: candidate.ip,
    token: candidate.token,
    bearer: credentials?.scheme === 'bearer' ? credentials.token : undefined,
    user: candidate.userId,
    url: urlOf(candidate),
    query_string: candidate.query,
    user_agent: candidate.userAgent,
    referer: candidate.referer,
    country: candidate.country,
    secure: candidate.secure,
    session_id: candidate.id,
  });
}

/** MediaMTX `authMethod: http`. The client's password is unknown here, so name and password are empty. */
function mediaMtx(candidate: Candidate): object {
  const { credentials, token = '' } = candidate;
  const bearer = credentials?.scheme === 'bearer' ? credentials.token : token;
  return {
    user: candidate.userId ?? '',
    password: '',
    token: bearer,
    ip: candidate.ip,
    action: kindOf(candidate) === 'input' ? 'publish' : 'read',
    path: candidate.stream,
    protocol: candidate.protocol,
    id: candidate.id ?? '',
    query: candidate.query ?? '',
    userAgent: candidate.userAgent ?? '',
  };
}

/** MistServer's USER_NEW: stream, address, token, protocol, URL and session id, one per line. */
function mistServer(candidate: Candidate): string {
  const { stream, ip, token = '', protocol, id = '' } = candidate;
  const name = protocol === 'srt' ? 'TSSRT' : protocol.toUpperCase();
  // A client that could inject a line break could forge the following lines.
  return [stream, ip, token, name, urlOf(candidate) ?? '', id].map(oneLine).join('\n');
}

/** Removes the client's user name and password, which an adapter may have left in. */
const urlOf = ({ url }: Candidate): string | undefined => (url === undefined ? undefined : withoutUserinfo(url));

const oneLine = (text: string): string => text.replace(/[\r\n]/g, encodeURIComponent);
