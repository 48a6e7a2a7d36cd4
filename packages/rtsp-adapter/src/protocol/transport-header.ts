/** One way to send media that a client offers in its Transport header (RFC 2326 §12.39). Numbers have been validated. */
export interface TransportOffer {
  readonly lower: 'tcp' | 'udp';
  /** Channels for RTP and RTCP on the connection. */
  readonly interleaved?: readonly [number, number];
  /** The client's ports for RTP and RTCP. */
  readonly clientPorts?: readonly [number, number];
  readonly destination?: string;
  readonly isMulticast: boolean;
  readonly isRecord: boolean;
}

const MAX_OFFERS = 8;
const SPEC = /^RTP\/AVPF?(?:\/(TCP|UDP))?$/i;

/** The supported offers, in the client's order of preference. */
export function parseTransport(header: string): TransportOffer[] {
  return header
    .split(',', MAX_OFFERS)
    .map(parseOffer)
    .filter((offer) => offer !== undefined);
}

function parseOffer(text: string): TransportOffer | undefined {
  const [spec = '', ...parameters] = text.trim().split(';', 32);
  const match = SPEC.exec(spec.trim());
  if (match === null) return undefined;
  const given = new Map<string, string>();
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.trim().split('=', 2);
    given.set(name.toLowerCase(), value);
  }
  const interleaved = range(given.get('interleaved'), 255);
  const clientPorts = range(given.get('client_port'), 65_535);
  if ((given.has('interleaved') && !interleaved) || (given.has('client_port') && !clientPorts)) return undefined;
  const destination = given.get('destination');
  return {
    lower: match[1]?.toUpperCase() === 'TCP' ? 'tcp' : 'udp',
    isMulticast: given.has('multicast'),
    isRecord: /^"?record"?$/i.test(given.get('mode') ?? ''),
    ...(interleaved && { interleaved }),
    ...(clientPorts && { clientPorts }),
    ...(destination && { destination }),
  };
}

/** `4588-4589`, or only the first of them. */
function range(text: string | undefined, max: number): readonly [number, number] | undefined {
  const [, low, high] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text ?? '') ?? [];
  if (low === undefined) return undefined;
  const pair = [Number(low), high === undefined ? Number(low) + 1 : Number(high)] as const;
  return pair.every((value) => value <= max) ? pair : undefined;
}
