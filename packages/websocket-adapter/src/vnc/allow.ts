import { BlockList, isIP } from 'node:net';
import { atOnce, badOption, normaliseAddress } from '@stream-sessions/core/spi';

/** Which targets a proxy may connect to: addresses, blocks and ports, or a function that decides. */
export type Allow = readonly string[] | ((address: string, port: number) => boolean);

/** Whether this address (not a name) may be connected to. */
export type Allows = (address: string, port: number) => boolean;

/** `192.0.2.7`, `10.0.0.0/8:5900-5999`, `::1`, `[fd00::/8]:5900`. */
const RULE = /^(?:\[([\da-f:.]+)(?:\/(\d{1,3}))?\]|([\d.]+)(?:\/(\d{1,2}))?)(?::(\d{1,5})(?:-(\d{1,5}))?)?$/i;
/** The port that RFC 6143 assigns to VNC, and those of further displays. */
const [FIRST_PORT, LAST_PORT] = [5900, 5999];

/**
 * @throws StreamSessionsError ERR_BAD_OPTION for anything but a rule; names are not allowed, because anyone may point one
 *   anywhere.
 */
export function compileAllow(allow: Allow): Allows {
  // a promise is no permission
  if (typeof allow === 'function') return (address, port) => atOnce(allow(address, port), 'allow()') === true;
  const expected = 'a list of addresses or blocks, each with ports if they are not 5900-5999, or a function';
  if (!Array.isArray(allow)) throw badOption('allow', expected, allow);
  const rules = (allow as readonly unknown[]).map((rule) => {
    const compiled = typeof rule === 'string' ? compileRule(rule) : undefined;
    if (compiled === undefined) throw badOption('allow', expected, rule);
    return compiled;
  });
  return (address, port) => {
    const plain = normaliseAddress(address);
    const family = isIP(plain);
    return family !== 0 && rules.some((rule) => rule(plain, family === 6 ? 'ipv6' : 'ipv4', port));
  };
}

function compileRule(rule: string) {
  const text = isIP(rule.split('/', 1)[0] as string) === 6 ? `[${rule}]` : rule;
  const [, v6, bits6, v4, bits4, from, to = from] = RULE.exec(text) ?? [];
  const [address = '', bits, most] = v6 === undefined ? [v4, bits4, 32] : [v6, bits6, 128];
  const [first, last] = from === undefined ? [FIRST_PORT, LAST_PORT] : [Number(from), Number(to)];
  const prefix = Number(bits ?? most);
  if (isIP(address) !== (most === 128 ? 6 : 4) || prefix > most || first > last || last > 65_535) return undefined;
  const list = new BlockList();
  list.addSubnet(address, prefix, most === 128 ? 'ipv6' : 'ipv4');
  return (each: string, family: 'ipv4' | 'ipv6', port: number): boolean =>
    port >= first && port <= last && list.check(each, family);
}
