/** Between the slashes and the last `@` of a URL's authority. Servers take backslashes for slashes, too. */
const USERINFO = /([\\/]{2})[^\\/?#]*@/g;
/** A password with a slash in it, which no URL may have and some cameras do; a port is none. Bounded, to stay linear. */
const WITH_SLASH = /([\\/]{2})[^\\/?#@:[]{0,256}:(?!\d{1,5}(?:[\\/?#]|$))[^?#@]{0,256}@/g;

/**
 * A URL (or a text that contains URLs) without `user:password@`: nobody should keep, show or pass on credentials.
 *
 * @param sloppy What replaces userinfo that contains a slash. Default nothing. Where a rule looks at the host, it has to
 *   be something: to other readers, `//me:p/@host` names no host.
 */
export function withoutUserinfo(url: string, sloppy = ''): string {
  return url.includes('@') ? url.replace(USERINFO, '$1').replace(WITH_SLASH, `$1${sloppy}`) : url;
}
