// The one door to quiche's native layer. The require is static so that the bundler embeds the addon into the binary.
import type {
  ConfigConstructor,
  ConnectionConstructor,
  Config as NativeConfig,
  Connection as NativeConnection,
} from "@matrixai/quic/native/types.js";

export type { NativeConfig, NativeConnection };

/** `recv` and `accept` take addresses as text; one such object is kept per path because building it costs. */
export interface NativeAddress {
  readonly host: string;
  readonly port: number;
}

interface Quiche {
  readonly Config: ConfigConstructor;
  readonly Connection: ConnectionConstructor;
  /** Writes a Retry packet into `out` and returns its length. Throws when a connection id is too long. */
  retry(
    scid: Uint8Array,
    dcid: Uint8Array,
    newScid: Uint8Array,
    token: Uint8Array,
    version: number,
    out: Uint8Array,
  ): number;
}

/** The addon could not be loaded; the message says what the operator can do. */
export class NativeUnavailable extends Error {
  override readonly name = "NativeUnavailable";
}

export const quiche: Quiche = load();

function load(): Quiche {
  const platform = `${process.platform}-${process.arch}`;
  if (platform !== "linux-x64") throw new NativeUnavailable(`No QUIC library for ${platform}: run ztna on linux-x64.`);
  try {
    return require("@matrixai/quic-linux-x64") as Quiche;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new NativeUnavailable(
      `The QUIC library could not be loaded (${why}): set TMPDIR to a writable directory that allows executing files.`,
    );
  }
}
