type LogMethod = (details: object, message: string) => void;

/** The shape of pino's logger, and of any other that takes an object and a message. */
export interface Logger {
  debug: LogMethod;
  info: LogMethod;
  warn: LogMethod;
  error: LogMethod;
}

const toStderr =
  (level: string): LogMethod =>
  (details, message) => {
    console.error(`stream-sessions ${level}: ${message}`, details);
  };

/** The default: warnings and errors to stderr, nothing else. */
export const consoleLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: toStderr('warning'),
  error: toStderr('error'),
};

/** The same logger, but if it throws (full disk, closed stream), only that message is lost. */
export function isolated(logger: Logger): Logger {
  const safely =
    (level: keyof Logger): LogMethod =>
    (details, message) => {
      try {
        logger[level](details, message);
      } catch {
        // There is nowhere left to report this.
      }
    };
  return { debug: safely('debug'), info: safely('info'), warn: safely('warn'), error: safely('error') };
}
