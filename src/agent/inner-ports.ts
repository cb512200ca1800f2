// Inner source ports that others cannot predict: a random one, else the next free one (RFC 6056, algorithm 1).

/** Undefined when every port of the range is taken. `random` gives numbers from 0 up to, but not including, 1. */
export function choosePort(random: () => number, isTaken: (port: number) => boolean): number | undefined {
  const start = Math.floor(random() * COUNT);
  for (let step = 0; step < COUNT; step++) {
    const port = FIRST + ((start + step) % COUNT);
    if (!isTaken(port)) return port;
  }
  return undefined;
}

/** Everything that is not reserved for well-known services. */
const FIRST = 1024;
const COUNT = 65_536 - FIRST;
