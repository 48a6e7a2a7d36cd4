import type { Admission, ConnHandle, ConnHit, SessionTracker } from '../../src/index.js';
import type { TinyClient, TinyServer } from './tcp-transport.js';

const TOUCH_EVERY_MS = 500;

/** What an adapter can get wrong: the contract has to notice each of them. */
export type Flaw =
  | 'serves before it is let in'
  | 'never cancels'
  | 'never cuts'
  | 'never touches'
  | 'never closes'
  | 'does not count the last bytes'
  | 'calls everybody a viewer'
  | 'severs when it is detached'
  | 'merges connections';

/** Hooks the tiny server into a tracker, as the real adapters hook theirs; with a flaw, as bad ones would. */
export function attachTiny(server: TinyServer, tracker: SessionTracker, flaw?: Flaw): { detach(): void } {
  const open = new Map<ConnHandle, () => void>();
  const socketOf = new WeakMap<ConnHandle, TinyClient['socket']>();

  const play = (handle: ConnHandle, { socket, wants }: TinyClient): void => {
    let reported = socket.bytesWritten;
    const unreported = (): number => {
      const bytes = flaw === 'does not count the last bytes' ? 0 : socket.bytesWritten - reported;
      reported += bytes;
      return bytes;
    };
    const timer = setInterval(() => flaw !== 'never touches' && handle.touch(unreported()), TOUCH_EVERY_MS);
    const onData = (data: Buffer): void => handle.addReceived(data.length);
    const onClose = (): void => {
      leave();
      if (flaw !== 'never closes') handle.close('client_gone', unreported());
    };
    const leave = (): void => {
      clearInterval(timer);
      socket.off('data', onData).off('close', onClose);
      open.delete(handle);
    };
    open.set(handle, leave);
    socketOf.set(handle, socket);
    socket.on('close', onClose);
    if (wants === 'PUBLISH') socket.on('data', onData);
    else socket.resume();
    if (flaw === 'never cuts') return;
    handle.onCut(() => {
      leave();
      socket.destroy();
      return unreported();
    });
  };

  server.gatekeeper = (client, accept, refuse) => {
    const { socket, wants, stream, token, userAgent } = client;
    const decide = (admission: Admission<ConnHandle>): void => {
      if (!admission.admitted) return refuse(admission.denial.reason);
      accept();
      play(admission.handle, client);
    };
    if (flaw === 'serves before it is let in') accept();
    const kind = wants === 'PUBLISH' && flaw !== 'calls everybody a viewer' ? 'input' : 'viewer';
    const remoteAddress = `${socket.remoteAddress}:${socket.remotePort}`;
    const asHttp = flaw === 'merges connections' ? { ip: '127.0.0.1' } : { remoteAddress };
    const hit = { stream, protocol: 'tiny', kind, token, userAgent, ...asHttp } as ConnHit;
    const asked = tracker.admit(hit);
    if (!('then' in asked)) return decide(asked);
    socket.resume();
    if (flaw !== 'never cancels') socket.once('close', () => asked.cancel());
    asked.then(decide, () => socket.destroy());
  };

  return {
    detach: () => {
      server.gatekeeper = undefined;
      for (const [handle, leave] of [...open]) {
        leave();
        handle.close('shutdown');
        if (flaw === 'severs when it is detached') socketOf.get(handle)?.destroy();
      }
    },
  };
}
