import type { UpgradeAnswer } from '../server.js';

/** Responds with an HTTP status and plain text. */
export function refuse(answer: UpgradeAnswer, status: number, text: string, until?: number): void {
  const seconds = Math.max(1, Math.ceil(((until ?? Infinity) - Date.now()) / 1000));
  answer(false, status, `${text}\n`, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(status === 401 && { 'WWW-Authenticate': 'Bearer' }),
    ...(Number.isFinite(seconds) && { 'Retry-After': String(seconds) }),
  });
}
