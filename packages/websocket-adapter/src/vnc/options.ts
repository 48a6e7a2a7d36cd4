import type { IncomingMessage } from 'node:http';
import type { SessionTracker } from '@stream-sessions/core';
import { badOption, checkOptions, checkTimeout, needTracker } from '@stream-sessions/core/spi';
import { OPTION_NAMES, settingsOf, type Settings, type WebSocketOptions } from '../options.js';
import { compileAllow, type Allow, type Allows } from './allow.js';

/** Where a desktop is. */
export interface VncTarget {
  /** A name, which is resolved, or an address. */
  readonly host: string;
  readonly port: number;
}

/** What `target` may return: undefined for a desktop that does not exist. */
export type VncTargetAnswer = VncTarget | undefined | Promise<VncTarget | undefined>;

/** Options of `createVncProxy()`. */
export interface VncProxyOptions extends WebSocketOptions {
  /** Lists the viewers of desktops, and decides who may be one. */
  tracker: SessionTracker;
  /**
   * Returns where the desktop for a request is. Called once the tracker has admitted the viewer; it may start the desktop first.
   */
  target: (request: IncomingMessage) => VncTargetAnswer;
  /**
   * The addresses that desktops may have: `10.1.0.0/16`, `192.0.2.7:5900`, `[fd00::/8]:5900-5910`; without a port, 5900 to 5999.
   * Or a function of address and port. It is called with the very address that is connected to, whatever name resolved to it.
   */
  allow: Allow;
  /** The time limit for `target` and for connecting to the result. Milliseconds; default 10_000. */
  connectTimeoutMs?: number | undefined;
  /** A viewer whose desktop has neither sent nor received anything for this long is closed as `idle`. Milliseconds; default 0 = never. */
  idleTimeoutMs?: number | undefined;
}

/** The options, checked, with their defaults. */
export interface VncSettings {
  readonly websocket: Settings;
  readonly target: VncProxyOptions['target'];
  readonly allows: Allows;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function vncSettingsOf(options: VncProxyOptions): VncSettings {
  checkOptions('createVncProxy()', options, [
    'tracker',
    'target',
    'allow',
    'connectTimeoutMs',
    'idleTimeoutMs',
    ...OPTION_NAMES,
  ]);
  const { tracker, target, allow, connectTimeoutMs = 10_000, idleTimeoutMs = 0, ...rest } = options;
  needTracker('createVncProxy(): the option tracker', tracker);
  if (typeof target !== 'function') throw badOption('target', 'a function that returns { host, port }', target);
  checkTimeout('connectTimeoutMs', connectTimeoutMs);
  if (connectTimeoutMs === 0) throw badOption('connectTimeoutMs', 'milliseconds, above 0', connectTimeoutMs);
  checkTimeout('idleTimeoutMs', idleTimeoutMs);
  const websocket = settingsOf({ protocol: 'vnc', origins: 'own', ...rest });
  return { websocket, target, allows: compileAllow(allow), connectTimeoutMs, idleTimeoutMs };
}
