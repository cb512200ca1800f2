// Exit codes, stable and tested, and the errors that carry them: one sentence that tells the operator what to do.

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  configuration: 3,
  credentials: 4,
  unreachable: 5,
  refused: 6,
  degraded: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A mistake or a condition that the operator can act on. Everything else that is thrown is a bug. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = EXIT.failed) {
    super(message);
    this.name = new.target.name;
    this.exitCode = exitCode;
  }
}

/** A flag or an argument is wrong or missing. */
export class UsageError extends CommandError {
  constructor(message: string) {
    super(message, EXIT.usage);
  }
}

/** A file or an environment variable is wrong. */
export class ConfigurationError extends CommandError {
  constructor(message: string) {
    super(message, EXIT.configuration);
  }
}

/** A certificate, a key or a CA is missing, unusable, or not accepted by the other end. */
export class CredentialError extends CommandError {
  constructor(message: string) {
    super(message, EXIT.credentials);
  }
}

export class UnreachableError extends CommandError {
  constructor(message: string) {
    super(message, EXIT.unreachable);
  }
}

/** Policy said no. */
export class RefusedError extends CommandError {
  constructor(message: string) {
    super(message, EXIT.refused);
  }
}
