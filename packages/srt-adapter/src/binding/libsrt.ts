import type { SrtBinding } from './binding.js';
import { engineOf } from './engine.js';
import { libraryNames } from './find-library.js';
import { LibsrtListener } from './listener.js';

/**
 * SRT over the system's libsrt 1.4 or 1.5, whichever TLS library it was built with. Nothing is loaded before the first
 * server listens, and libsrt's threads end when the last listener of the process is closed.
 *
 * @param path The library, if it is not in one of the usual places.
 */
export function libsrt(path?: string): SrtBinding {
  const engine = engineOf(path === undefined ? libraryNames(process.platform) : [path]);
  return { listen: (options, onSocket) => new LibsrtListener(engine, options, onSocket) };
}
