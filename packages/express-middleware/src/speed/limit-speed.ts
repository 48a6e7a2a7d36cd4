import type { Handle } from '@stream-sessions/core';
import type { BodyCounter } from '../response/body-counter.js';
import { Gate } from './gate.js';
import { SessionSpeed } from './session-speed.js';

/** A session younger than this has just opened, and gets its burst. Milliseconds. */
const NEW_MS = 1000;

const speeds = new WeakMap<object, SessionSpeed>();

/**
 * Holds a response to the limit of its session, if there is one. If two trackers limit one response, the tighter of its initial
 * limits applies.
 */
export function limitSpeed(body: BodyCounter, handle: Handle, isPlaylist: boolean): void {
  const { downMbits } = handle.limits;
  if (downMbits === undefined) return;
  // copies the session, only once
  const isNew = (): boolean => (handle.session?.durationMs ?? 0) < NEW_MS;
  hold(body, handle, downMbits, isNew, isPlaylist);
}

/** The same for a response that began without a limit. */
export function limitLate(body: BodyCounter, handle: Handle): void {
  const { downMbits } = handle.limits;
  if (downMbits === undefined || body.gate !== undefined || body.complete) return;
  hold(body, handle, downMbits, () => false, false);
}

function hold(body: BodyCounter, handle: Handle, downMbits: number, isNew: () => boolean, isPlaylist: boolean): void {
  const { visit } = handle;
  if (visit === undefined) return;
  let speed = speeds.get(visit);
  if (speed === undefined) speeds.set(visit, (speed = new SessionSpeed(downMbits, isNew())));
  else speed.change(handle.limits);
  handle.onLimits(speed.change);
  speed.begin(handle);
  if (body.gate === undefined) new Gate(body, speed, handle, isPlaylist);
  else body.gate.keepTo(speed, handle);
}
