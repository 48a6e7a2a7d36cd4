import { Server as HttpServer } from 'node:http';
import { Server, type Socket } from 'node:net';

/** The part of a server of the npm package `rtsp-server` that the adapter needs: a `net.Server` that emits `request`. */
export type RtspServerPackage = Server;

/** A request of that package. */
export interface PackageRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly socket: Socket;
  /** Reads and discards its body. */
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

/** The decoder with which that package reads its requests. */
export interface PackageDecoder {
  /** The buffer in which it collects a head: 1024 bytes; anything longer hangs. */
  _header?: unknown;
  write(data: Buffer): boolean;
  on(event: 'drain', listener: () => void): unknown;
}

/** HTTP servers also emit `request`, and would be broken by this. */
export const isRtspServerPackage = (server: unknown): server is RtspServerPackage =>
  server instanceof Server && !(server instanceof HttpServer) && server.listenerCount('connection') > 0;
