/**
 * True for the user agent of a browser, over every protocol that browsers speak. What other connections send (`LNX 9,0,124,2` in
 * RTMP, a library version in RTSP and SRT, nothing) does not tell who is playing.
 */
export const isBrowser = (userAgent: string | undefined): boolean => userAgent?.startsWith('Mozilla/') ?? false;
