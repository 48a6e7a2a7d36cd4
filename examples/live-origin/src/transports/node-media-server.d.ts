/** It has no types of its own: as much of it as this example uses. */
declare module 'node-media-server' {
  export default class NodeMediaServer {
    constructor(config: object);
    on(event: string, listener: (...args: never[]) => void): void;
    stop(): Promise<void>;
  }
}
declare module 'node-media-server/src/core/logger.js' {
  const logger: { log: (message: string, level: string) => unknown };
  export default logger;
}
