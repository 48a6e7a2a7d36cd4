import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

let made: { key: Buffer; cert: Buffer } | undefined;

/** Files of a key and a certificate for localhost that it has signed itself: made once, for that takes a while. */
export function certificate(folder: string): { key: string; cert: string } {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  if (made === undefined) {
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const out = ['-days', '1', '-subj', '/CN=localhost', '-keyout', key, '-out', cert];
    execFileSync('openssl', [...request, ...out], { stdio: 'ignore' });
    made = { key: readFileSync(key), cert: readFileSync(cert) };
  } else {
    writeFileSync(key, made.key, { mode: 0o600 });
    writeFileSync(cert, made.cert);
  }
  return { key, cert };
}
