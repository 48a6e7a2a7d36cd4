import { createHmac, createSecretKey } from 'node:crypto';

/** Makes the short keyed hash that stands for a token wherever it is shown: 8 characters, 48 bits. */
export function fingerprinter(key: string | Buffer): (token: string) => string {
  const secret = createSecretKey(Buffer.from(key));
  // A viewer's token is wanted twice: for itself, and where it stands in the query.
  let last: string | undefined;
  let print = '';
  return (token) => {
    if (token !== last) {
      print = createHmac('sha256', secret).update(token).digest('base64url').slice(0, 8);
      last = token;
    }
    return print;
  };
}
