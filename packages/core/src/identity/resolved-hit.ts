import { newUuid } from '../support/uuid.js';
import { isBrowser } from './user-agent.js';
import { MAX_BEARER_LENGTH, MAX_USER_LENGTH } from '../support/bounds.js';
import { answersByName, bestNameKind, givenName, nameKey } from './name.js';
import { derivedId, type Recipe } from './recipe.js';
import { MAX_STREAM_LENGTH } from './stream-code.js';
import { MAX_TOKEN_LENGTH } from './tokens.js';
import type { FoundVisit } from '../types/cluster.js';
import type { SessionKind } from '../types/kinds.js';
import type { ConnHit, HitFacts } from '../types/hit.js';
import type { NamedBy } from '../types/play-session.js';
import type { GeoResolver } from '../types/geo.js';
import type { Logger } from '../support/logger.js';
import { atOnce } from '../support/promises.js';
import type { AddressReader } from './address.js';

/** The options that determine who a connection is. */
export interface ConnectionIdentity {
  readonly addresses: AddressReader;
  readonly mergeConnections: boolean;
}

/** A hit as identity and denials see it. Made only when the fast look-up finds no known session. */
export class ResolvedHit {
  /** It brings a name that no session has: it may be matched to one, but counts as a newcomer all the same. */
  arrives = false;
  /** The visit it belongs to, according to the cluster. */
  visit: FoundVisit | undefined = undefined;
  private id: string | undefined = undefined;
  /** null: not looked up yet. */
  private knownCountry: string | undefined | null = null;

  constructor(
    readonly hit: HitFacts,
    readonly isConnection: boolean,
    readonly recipe: Recipe,
    readonly ip: string,
    readonly network: string,
    /** The key of its group; undefined: it is a session of its own. */
    readonly groupKey: string | undefined,
    readonly namedBy: NamedBy,
    /** Undefined: it has nothing better than the User-Agent, or than being this connection. */
    readonly name: string | undefined,
    /** The user that the policies have named since; null: they were asked and named nobody. */
    private readonly vouchedUser?: string | null,
  ) {}

  get kind(): SessionKind {
    return this.recipe.kind;
  }
  get stream(): string {
    return this.hit.stream;
  }
  get protocol(): string {
    return this.hit.protocol;
  }
  get userAgent(): string | undefined {
    return this.hit.userAgent;
  }
  get user(): string | undefined {
    return this.vouchedUser ?? this.hit.userId;
  }
  get unnamed(): 'yes' | undefined {
    return this.vouchedUser === null && !this.hit.userId ? 'yes' : undefined;
  }
  get bare(): 'yes' | undefined {
    return this.isConnection && !isBrowser(this.userAgent) ? 'yes' : undefined;
  }
  get token(): string | undefined {
    return this.hit.token || undefined;
  }
  get bearer(): string | undefined {
    const { credentials } = this.hit;
    return credentials?.scheme === 'bearer' ? credentials.token : undefined;
  }
  get sid(): string | undefined {
    return this.hit.sid;
  }
  get playerSessionId(): string | undefined {
    return this.hit.playerSessionId;
  }
  get requestKey(): string {
    const { query = '', credentials } = this.hit;
    if (credentials === undefined) return query;
    return `${credentials.scheme} ${credentials.scheme === 'bearer' ? credentials.token : credentials.user} ${query}`;
  }

  session(): string | undefined {
    if (this.groupKey === undefined) return this.hit.id;
    return (this.id ??= derivedId(
      this.recipe,
      this.stream,
      this.groupKey,
      nameKey(this.namedBy, this.name ?? this.userAgent ?? ''),
    ));
  }

  /** True when the session that it opens gets a fresh id. */
  get isUnheardOf(): boolean {
    return this.groupKey === undefined && this.hit.id === undefined;
  }

  /** The id of the session that it would open: chosen before policies are asked, so that they can refer to it. */
  get idToBe(): string {
    return this.visit?.id ?? this.session() ?? (this.id ??= newUuid());
  }

  /** Looked up once; undefined when unknown. */
  country(geo: GeoResolver, logger: Logger): string | undefined {
    if (this.knownCountry !== null) return this.knownCountry;
    try {
      return (this.knownCountry = atOnce(geo.country(this.ip), 'country()') || undefined);
    } catch (error) {
      logger.warn({ err: error }, 'the geo resolver failed; the session has no country');
      return (this.knownCountry = undefined);
    }
  }

  /** The same hit under the user that the policies named. Undefined: they were asked and named nobody. */
  as(user: string | undefined): ResolvedHit {
    const { hit, isConnection, recipe, ip, network, groupKey, namedBy, name } = this;
    const named = new ResolvedHit(hit, isConnection, recipe, ip, network, groupKey, namedBy, name, user ?? null);
    named.arrives = this.arrives;
    named.visit = this.visit;
    return named;
  }

  /** True when it identifies this live session by more than what its player calls itself. */
  answersTo(session: { readonly namedBy: NamedBy }): boolean {
    return !this.recipe.byName || answersByName(session, this.namedBy);
  }

  static ofRequest(hit: HitFacts, recipe: Recipe, ip: string, network: string): ResolvedHit {
    const groupKey = recipe.groupKey(network, hit.protocol, hit.userAgent ?? '');
    return new ResolvedHit(hit, false, recipe, ip, network, groupKey, bestNameKind(hit), givenName(hit));
  }

  static ofConnection(conn: ConnHit, recipe: Recipe, settings: ConnectionIdentity): ResolvedHit {
    const ip = settings.addresses.address(conn.remoteAddress);
    const network = settings.addresses.network(ip);
    const merges = settings.mergeConnections && Boolean(conn.token);
    const groupKey = merges ? recipe.groupKey(network, conn.protocol, conn.userAgent ?? '') : undefined;
    const namedBy = conn.token ? 'token' : conn.userId ? 'user' : 'fingerprint';
    return new ResolvedHit(conn, true, recipe, ip, network, groupKey, namedBy, conn.token || undefined);
  }
}

/** Why this hit can never open a session, whoever sent it; undefined: it can. */
export function impossible({ stream, token, userId, credentials }: HitFacts): string | undefined {
  if (stream === '') return 'there is no stream code';
  const bearer = credentials?.scheme === 'bearer' ? credentials.token : undefined;
  return (
    tooLong('stream code', stream, MAX_STREAM_LENGTH) ??
    tooLong('token', token, MAX_TOKEN_LENGTH) ??
    tooLong('bearer token', bearer, MAX_BEARER_LENGTH) ??
    tooLong('user name', userId, MAX_USER_LENGTH)
  );
}

const tooLong = (what: string, text: string | undefined, max: number): string | undefined =>
  text === undefined || text.length <= max ? undefined : `the ${what} is longer than ${max} characters`;
