/** The reason phrases of RFC 2326 §11 that are used here. */
export const REASONS = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Large',
  415: 'Unsupported Media Type',
  451: 'Parameter Not Understood',
  453: 'Not Enough Bandwidth',
  454: 'Session Not Found',
  455: 'Method Not Valid in This State',
  459: 'Aggregate Operation Not Allowed',
  461: 'Unsupported Transport',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  505: 'RTSP Version Not Supported',
  551: 'Option not supported',
} as const;

export type Status = keyof typeof REASONS;

export type Headers = readonly (readonly [name: string, value: string])[];

/** A response (§7), before it is matched to its request. */
export interface Reply {
  readonly status: Status;
  /** Appended to the standard phrase; players show it. */
  readonly text?: string | undefined;
  readonly headers?: Headers;
  readonly body?: string;
  /** Hang up once it has been sent. */
  readonly isLast?: boolean;
}

/** A header value must not end the header. */
// eslint-disable-next-line no-control-regex
const plain = (value: string): string => value.replace(/[\x00-\x1f\x7f]+/g, ' ');

export function formatReply(reply: Reply, cseq: string | undefined): string {
  const { status, text, headers = [], body = '' } = reply;
  const phrase = text ? `${REASONS[status]}: ${plain(text)}` : REASONS[status];
  let out = `RTSP/1.0 ${status} ${phrase}\r\n`;
  if (cseq !== undefined) out += `CSeq: ${plain(cseq)}\r\n`;
  for (const [name, value] of headers) out += `${name}: ${plain(value)}\r\n`;
  if (body !== '') out += `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return `${out}\r\n${body}`;
}
