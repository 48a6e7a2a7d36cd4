/** Between the slashes and the last `@` of a URL's authority. Servers accept backslashes as slashes, too. */
const USERINFO = /([\\/]{2})[^\\/?#]*@/g;
/**
 * A password that contains a slash, which URLs forbid and some cameras have; a port does not match. Bounded, so that it stays
 * linear.
 */
const WITH_SLASH = /([\\/]{2})[^\\/?#@:[]{0,256}:(?!\d{1,5}(?:[\\/?#]|$))[^?#@]{0,256}@/g;

/**
 * A URL (or a text that contains URLs) without `user:password@`: credentials must not be kept, shown or passed on.
 *
 * @param sloppy What replaces userinfo that contains a slash. Default nothing. It must not be empty where a rule checks the host:
 *   to other parsers, the host in `//me:p/@host` is not `host`.
 */
export function withoutUserinfo(url: string, sloppy = ''): string {
  return url.includes('@') ? url.replace(USERINFO, '$1').replace(WITH_SLASH, `$1${sloppy}`) : url;
}
