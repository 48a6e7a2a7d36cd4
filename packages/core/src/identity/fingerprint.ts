import { hmacSha256 } from './hmac.js';

/** Makes the function that returns the short keyed hash shown in place of a token: 8 characters, 48 bits. */
export function fingerprinter(key: string | Buffer): (token: string) => string {
  const keyedHash = hmacSha256(key, 6);
  // A viewer's token is needed twice: on its own, and where it occurs in the query.
  let last: string | undefined;
  let print = '';
  return (token) => {
    if (token !== last) {
      print = keyedHash(token);
      last = token;
    }
    return print;
  };
}
