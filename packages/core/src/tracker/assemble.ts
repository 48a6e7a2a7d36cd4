import { Admissions } from '../admission/admissions.js';
import { Candidates } from '../admission/candidates.js';
import { DecidedCredentials } from '../admission/decided-credentials.js';
import { Evictions } from '../admission/evictions.js';
import { VisitQuestions } from '../admission/visit-questions.js';
import { Denials } from '../denials/denials.js';
import { EventHub } from '../events/event-hub.js';
import { Activity } from '../lifecycle/activity.js';
import { Grants } from '../lifecycle/grants.js';
import { Membership } from '../lifecycle/membership.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { SessionDeadlines } from '../lifecycle/session-deadlines.js';
import { SessionEvents } from '../lifecycle/session-events.js';
import { Pipeline } from '../policy/pipeline.js';
import { ClosedSessions } from '../registry/closed-sessions.js';
import { SessionFactory } from '../registry/create-session.js';
import { HitMerger } from '../registry/hit-merger.js';
import { Rates } from '../registry/rates.js';
import { Registry } from '../registry/registry.js';
import { Resolver } from '../registry/resolver.js';
import { Totals } from '../registry/totals.js';
import { SharedFieldsPool } from '../session/shared-fields.js';
import { Settings } from '../settings/settings.js';
import { systemClock } from '../support/clock.js';
import { consoleLogger, isolated } from '../support/logger.js';
import { StringPool } from '../support/strings.js';
import { PolicyAttachments } from '../sweeper/policy-attachments.js';
import { Reviews } from '../sweeper/reviews.js';
import { Sweeper } from '../sweeper/sweeper.js';
import type { TrackerOptions } from '../types/options.js';
import { Operator } from './operator.js';
import { Queries } from './queries.js';

export type Parts = ReturnType<typeof assemble>;

/** Makes the parts of a tracker from the bottom up: each gets those below it. */
export function assemble(options: TrackerOptions) {
  const settings = new Settings(options);
  const { fingerprint, hash } = settings;
  const clock = options.clock ?? systemClock;
  const logger = isolated(options.logger ?? consoleLogger);
  const totals = new Totals();
  const hub = new EventHub(clock, logger);
  const pipeline = new Pipeline(clock, logger, () => settings.policyTimeoutMs);

  const registry = new Registry(new ClosedSessions(settings.closedRetentionMs, settings.closedRetentionMax), hash);
  const resolver = new Resolver(settings, registry);
  const texts = new StringPool();
  const sharedFields = new SharedFieldsPool(Math.floor(clock.now()));
  const merger = new HitMerger({ settings, registry, texts, sharedFields, fingerprint });
  const factory = new SessionFactory({ settings, registry, texts, sharedFields, logger, fingerprint });

  const denials = new Denials({ settings, hub, totals, clock, fingerprint });
  const deadlines = new SessionDeadlines(settings, logger, clock.now());
  const events = new SessionEvents(hub, registry, settings, clock);
  const grants = new Grants(settings, registry, deadlines, sharedFields, clock, logger);
  const onReviewDue = (): void => sweeper.lookSoon();
  const membership = new Membership(registry, settings);
  const activity = new Activity({ registry, merger, deadlines, events, totals, clock, onReviewDue });
  const lifecycle = new Lifecycle({
    ...{ settings, registry, resolver, factory, sharedFields, deadlines, grants, activity, events, totals, membership },
    ...{ clock, logger },
    onOpened: options.autoStart === false ? () => undefined : (): void => sweeper.start(),
    // A denial that keeps a viewer out while another session lives ends with that session.
    onClosed: (session) => denials.replaced.ended(session, membership.goesOn(session.closeReason)),
  });

  const rates = new Rates(registry, totals, clock);
  const queries = new Queries(registry, lifecycle, settings, rates, clock);
  const view = queries.view();
  const candidates = new Candidates(settings, lifecycle, logger, fingerprint);
  const decided = new DecidedCredentials(settings, grants, merger, clock);
  const evictions = new Evictions(registry, denials, lifecycle, pipeline);
  const asking = { settings, denials, lifecycle, grants, candidates, evictions, pipeline, view };
  const visits = new VisitQuestions(membership, resolver, settings, clock);
  const admissions = new Admissions({ ...asking, visits, registry, resolver, decided, totals, clock, logger });
  const reviews = new Reviews({ ...asking, clock, logger });
  const alsoDue = (now: number): void => {
    registry.closed.expire(now);
    denials.expire(now);
    rates.tick();
  };
  const sweeper: Sweeper = new Sweeper({ settings, lifecycle, reviews, clock, alsoDue });
  const attachments = new PolicyAttachments({ settings, registry, reviews, view, clock, logger });
  const operator = new Operator({ settings, clock, registry, resolver, denials, lifecycle, reviews, queries });
  return {
    settings,
    clock,
    logger,
    sharedFields,
    totals,
    hub,
    events,
    registry,
    resolver,
    denials,
    pipeline,
    lifecycle,
    queries,
    visits,
    membership,
    admissions,
    evictions,
    sweeper,
    attachments,
    operator,
  };
}
