import { Server as HttpServer } from 'node:http';
import { Server, type Socket } from 'node:net';

/** A server of the npm package `rtsp-server`, as far as the adapter needs to know it: a `net.Server` that emits `request`. */
export type RtspServerPackage = Server;

/** A request of that package. */
export interface PackageRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly socket: Socket;
  /** Its body is read, and passed over. */
  resume(): void;
}

/** A response of that package. */
export interface PackageResponse {
  statusCode: number;
  statusMessage?: string;
  setHeader(name: string, value: string | readonly string[]): void;
  end(text?: string): void;
  once(event: 'finish', listener: () => void): unknown;
}

/** What that package reads its requests with. */
export interface PackageDecoder {
  /** Where it collects a head: 1024 bytes, and silence beyond. */
  _header?: unknown;
  write(data: Buffer): boolean;
  on(event: 'drain', listener: () => void): unknown;
}

/** HTTP servers emit `request` too, and would be spoilt. */
export const isRtspServerPackage = (server: unknown): server is RtspServerPackage =>
  server instanceof Server && !(server instanceof HttpServer) && server.listenerCount('connection') > 0;
