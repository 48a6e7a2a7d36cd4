/** Bound of request texts that are shown but not compared: longer ones are cut. Characters, as below. */
export const MAX_TEXT_LENGTH = 2048;
/** Bound of names that a player gives itself: longer ones are ignored. CTA-5004 allows a `sid` of 64. */
export const MAX_NAME_LENGTH = 256;
/** Bound of user names from transports and policies: a longer one is refused, since two must not become one. */
export const MAX_USER_LENGTH = 1024;
/** Bound of bearer tokens in an `Authorization` header: longer ones are refused, never cut. */
export const MAX_BEARER_LENGTH = 8192;
/** Bounds of a policy's reason and detail for a refusal: longer texts are cut. */
export const MAX_REASON_LENGTH = 256;
export const MAX_DETAIL_LENGTH = 1024;
/** Bound of each text of a denial: a longer one is refused, since no other process, and not the next one, would take the denial. */
export const MAX_DENIAL_TEXT = 8192;
/** The most entries in a refusal's `remaining` and `conflicts`: further ones are left out. */
export const MAX_REMAINING = 16;
export const MAX_CONFLICTS = 32;
/** Bound of the User-Agent shown for a conflicting session: a longer one is cut. */
export const MAX_SHOWN_AGENT = 256;
