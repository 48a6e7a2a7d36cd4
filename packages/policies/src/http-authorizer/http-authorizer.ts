import type {
  Approval,
  Candidate,
  PlaySession,
  Policy,
  SessionKind,
  TrackerView,
  Verdict,
} from '@stream-sessions/core';
import { badOption, checkOptions, LONGEST_TIMER_MS } from '@stream-sessions/core/spi';
import { hashOf } from '../support/hash.js';
import { checkKinds, kindOf, WHO_ASKS, YES } from '../support/kinds.js';
import { checkNumber, checkWhole } from '../support/numbers.js';
import { Recent } from '../support/recent.js';
import { webUrl } from '../support/web-url.js';
import { Unclear } from './answer.js';
import { ask, type Line } from './ask.js';
import { checkHeaders } from './headers.js';
import { REQUESTS, type Payload } from './request.js';

/** Options of `httpAuthorizer`. */
export interface HttpAuthorizerOptions {
  /** Where to ask, by POST. Must not contain a name and password: send those in `headers`. */
  url: string | URL;
  /**
   * Limit for one attempt, in milliseconds. All attempts together have to fit into the tracker's `policyTimeoutMs`. Default
   * 3_000.
   */
  timeoutMs?: number | undefined;
  /** Further attempts if there was no clear answer. Default 1. */
  retries?: number | undefined;
  /**
   * What to do without a clear answer: `allow` admits, `deny` refuses and cuts, `keep` (default) refuses new viewers and keeps
   * those that were admitted before, unchanged.
   */
  onUnavailable?: 'allow' | 'deny' | 'keep' | undefined;
  /** How often to ask again about a live session in the background, in milliseconds; spread by a tenth. Default 0: never. */
  reauthorizeEveryMs?: number | undefined;
  /** What is sent to the authoriser, and how its answer is read. Default `json`. */
  payload?: Payload | undefined;
  /** Sent with every request: an API key, for example, or `authorization`. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** The kinds it asks about; others are admitted. Default: all but `output`; for `mistserver` only `viewer`. */
  kinds?: readonly SessionKind[] | undefined;
  /** Default `http authorizer`. */
  name?: string | undefined;
}

const NAMES: readonly (keyof HttpAuthorizerOptions)[] = [
  ...(['url', 'timeoutMs', 'retries', 'onUnavailable', 'reauthorizeEveryMs'] as const),
  ...(['payload', 'headers', 'kinds', 'name'] as const),
];

const MAX_RETRIES = 100;

/**
 * Asks a web service who may watch: when a session opens, when it brings another credential, and every
 * `reauthorizeEveryMs`. Never per segment, and only once, however many requests of a new viewer arrive together.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function httpAuthorizer(options: HttpAuthorizerOptions): Policy {
  checkOptions('httpAuthorizer()', options, NAMES);
  const { payload = 'json', onUnavailable = 'keep', headers = {}, name = 'http authorizer' } = options;
  const { timeoutMs = 3_000, retries = 1, reauthorizeEveryMs = 0 } = options;
  const url = webUrl('url', options.url);
  if (!Object.hasOwn(REQUESTS, payload))
    throw badOption('payload', `one of ${Object.keys(REQUESTS).join(', ')}`, payload);
  if (!['allow', 'deny', 'keep'].includes(onUnavailable)) {
    throw badOption('onUnavailable', 'allow, deny or keep', onUnavailable);
  }
  const kinds = checkKinds(options.kinds ?? (payload === 'mistserver' ? ['viewer'] : WHO_ASKS));
  checkWhole('timeoutMs', timeoutMs, 1, LONGEST_TIMER_MS);
  checkWhole('retries', retries, 0, MAX_RETRIES);
  checkNumber('reauthorizeEveryMs', reauthorizeEveryMs, 0);
  const line: Line = { url, payload, headers: checkHeaders(headers), timeoutMs, retries };
  const policy = new HttpAuthorizer(name, line, onUnavailable, kinds);
  if (reauthorizeEveryMs === 0) return policy;
  return Object.assign(policy, {
    deadline: (session: PlaySession) => policy.nextQuestion(session, reauthorizeEveryMs),
  });
}

/** An approval, and when it was asked for. */
interface Given {
  readonly credential: string;
  readonly approval: Approval;
  readonly askedAt: number;
}

/**
 * An approval that came to nothing, because another policy refused, is reused for a moment: a player that keeps retrying causes
 * no requests. Milliseconds.
 */
const RECENT_MS = 5_000;
const MAX_RECENT = 10_000;

class HttpAuthorizer implements Policy {
  readonly stage = 'authorise';
  /** Weak, because an approval that the tracker does not accept (it has already expired) is not settled. */
  private readonly settling = new WeakMap<Candidate, Given>();
  /** For each live session, the approvals of its credentials. */
  private readonly given = new Map<string, Map<string, Given>>();
  private readonly inVain = new Recent<Given>(MAX_RECENT);

  constructor(
    readonly name: string,
    private readonly line: Line,
    private readonly onUnavailable: 'allow' | 'deny' | 'keep',
    private readonly kinds: ReadonlySet<SessionKind>,
  ) {}

  admit(candidate: Candidate, view: TrackerView): Verdict | Promise<Verdict> {
    if (!this.kinds.has(kindOf(candidate))) return YES;
    const askedAt = view.now;
    const credential = credentialOf(candidate);
    const { session, again } = candidate;
    const before = session === undefined ? undefined : this.given.get(session.id)?.get(credential);
    // The tracker asks about a password with every request; the authoriser is never told it, so an earlier approval stands.
    if (before !== undefined && !again) return this.yes(candidate, before);
    if (session === undefined) {
      const recent = this.inVain.get(whoOf(candidate, credential));
      if (recent !== undefined && isRecent(recent, askedAt)) return this.yes(candidate, recent);
    }
    return ask(this.line, candidate).then((said) => {
      const verdict = said instanceof Unclear ? this.withoutAnswer(candidate, credential, said) : said;
      return verdict.allow ? this.yes(candidate, { credential, approval: verdict, askedAt }) : verdict;
    });
  }

  settled(candidate: Candidate, session: PlaySession | undefined): void {
    const given = this.settling.get(candidate);
    if (given === undefined) return;
    this.settling.delete(candidate);
    const who = whoOf(candidate, given.credential);
    this.inVain.forget((each) => !isRecent(each, given.askedAt));
    if (session === undefined) return this.inVain.set(who, given);
    this.inVain.delete(who);
    let all = this.given.get(session.id);
    if (all === undefined) this.given.set(session.id, (all = new Map<string, Given>()));
    all.set(given.credential, given);
    for (const oldest of all.keys()) if (all.size > MAX_CREDENTIALS) all.delete(oldest);
  }

  closed({ id }: PlaySession): void {
    this.given.delete(id);
  }

  /** Spread, so that viewers who came together are not asked about together. */
  nextQuestion({ id, openedAt }: PlaySession, everyMs: number): { at: number } {
    const asked = [...(this.given.get(id)?.values() ?? [])].map(({ askedAt }) => askedAt);
    const spread = 0.9 + (0.1 * parseInt(id.slice(0, 4), 16)) / 0xffff || 1;
    return { at: Math.max(openedAt, ...asked) + everyMs * spread };
  }

  private yes(candidate: Candidate, given: Given): Verdict {
    this.settling.set(candidate, given);
    return given.approval;
  }

  private withoutAnswer({ session }: Candidate, credential: string, { why }: Unclear): Verdict {
    const before = session === undefined ? undefined : this.given.get(session.id)?.get(credential)?.approval;
    if (this.onUnavailable === 'allow') return before ?? YES;
    if (this.onUnavailable === 'keep' && before !== undefined) return before;
    const detail = `the authoriser gave no clear answer: ${why}`;
    return { allow: false, reason: 'policy_error', kind: 'overload', detail, denyForMs: 0 };
  }
}

/** The most credentials that a session may have. */
const MAX_CREDENTIALS = 17;

/** The credentials that were offered, hashed, because they are kept as long as the session lives. */
function credentialOf({ stream, token = '', credentials }: Candidate): string {
  const offered =
    credentials === undefined ? '' : credentials.scheme === 'bearer' ? credentials.token : credentials.user;
  return hashOf([stream, token, credentials?.scheme, offered]);
}

/** Before or after: a clock may be set back. */
const isRecent = (given: Given, now: number): boolean => Math.abs(now - given.askedAt) < RECENT_MS;

const whoOf = ({ kind, protocol, ip, userAgent, query }: Candidate, credential: string): string =>
  hashOf([kind, protocol, ip, userAgent, query, credential]);
