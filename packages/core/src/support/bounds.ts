/** Texts of a request that are shown, not compared: longer ones are cut. */
export const MAX_TEXT_LENGTH = 2048;
/** Names a player gives itself: longer ones are no names. CTA-5004 allows a `sid` of 64. */
export const MAX_NAME_LENGTH = 256;
/** Users that a transport or a policy names: a longer one is refused, for two must not become one. */
export const MAX_USER_LENGTH = 1024;
/** A bearer's token in an `Authorization` header. Longer ones are refused, never cut. */
export const MAX_BEARER_LENGTH = 8192;
/** What a policy says of its no: longer texts are cut. */
export const MAX_REASON_LENGTH = 256;
export const MAX_DETAIL_LENGTH = 1024;
/** What remains of something, and whose sessions are in the way: more of them are left out. */
export const MAX_REMAINING = 16;
export const MAX_CONFLICTS = 32;
/** The User-Agent of a session in the way: a longer one is cut. */
export const MAX_SHOWN_AGENT = 256;
