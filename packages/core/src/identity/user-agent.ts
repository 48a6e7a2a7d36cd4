/**
 * What browsers call themselves, over every protocol they speak. What else connections bring (`LNX 9,0,124,2` in RTMP, the
 * version of a library in RTSP and SRT, nothing) says nothing about who plays.
 */
export const isBrowser = (userAgent: string | undefined): boolean => userAgent?.startsWith('Mozilla/') ?? false;
