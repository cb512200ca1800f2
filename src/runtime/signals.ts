// What the operating system asks of a daemon: TERM and INT drain it, a second one ends it at once, HUP reloads.

export interface SignalHandlers {
  drain(signal: NodeJS.Signals): void;
  /** The operator did not want to wait. */
  abort(): void;
  reload(): void;
}

/** The part of `process` that this needs. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
}

/** Returns how to stop listening. */
export function onSignals(handlers: SignalHandlers, source: SignalSource = process): () => void {
  let draining = false;
  const end = (signal: NodeJS.Signals) => {
    if (draining) return handlers.abort();
    draining = true;
    handlers.drain(signal);
  };
  const reload = () => {
    if (!draining) handlers.reload();
  };
  source.on("SIGTERM", end);
  source.on("SIGINT", end);
  source.on("SIGHUP", reload);
  return () => {
    source.off("SIGTERM", end);
    source.off("SIGINT", end);
    source.off("SIGHUP", reload);
  };
}
