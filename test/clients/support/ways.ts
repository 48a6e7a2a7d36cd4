/** How a stream comes to a client, or from it. */
export const WAYS = ['RTMP', 'HTTP-FLV', 'RTSP over TCP', 'RTSP over UDP', 'SRT', 'HLS', 'DASH'] as const;
export type Way = (typeof WAYS)[number];

/** What the list calls it. */
export const PROTOCOL: Readonly<Record<Way, string>> = {
  RTMP: 'rtmp',
  'HTTP-FLV': 'http-flv',
  'RTSP over TCP': 'rtsp',
  'RTSP over UDP': 'rtsp',
  SRT: 'srt',
  HLS: 'hls',
  DASH: 'dash',
};

/** Who watches over requests has left when no more of them come; a connection ends. */
export const isByRequests = (way: Way): boolean => way === 'HLS' || way === 'DASH';
