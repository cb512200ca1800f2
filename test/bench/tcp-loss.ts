// `bun test/bench/tcp-loss.ts`: what one TCP connection makes of a path that loses at random, and several of one that is
// full, in virtual time: the same figures on any machine.
import { PACKET_BYTES, useBottleneck } from "../support/bottleneck.ts";

console.log("| round trip | lost each way | MB/s of 12.0 | timeouts |\n| --- | --- | --- | --- |");
for (const delayMs of [1, 10, 40]) {
  for (const loss of [0, 0.01, 0.05, 0.1]) {
    const bytesEach = loss > 0.02 ? 10_000_000 : 30_000_000;
    const use = useBottleneck({ packetMs: 0.1, delayMs, loss, senders: 1, bytesEach, endMs: 120_000 });
    const rate = ((use.shares[0] ?? 0) * PACKET_BYTES) / 0.1 / 1_000;
    console.log(`| ${2 * delayMs} ms | ${loss * 100} % | ${rate.toFixed(1)} | ${use.stats.timeouts} |`);
  }
}
console.log("\n| buffer | senders | shares of 6.0 MB/s | overflowed |\n| --- | --- | --- | --- |");
for (const bufferMs of [1, 5, 20, 100]) {
  for (const senders of [1, 4]) {
    const bytesEach = 10_000_000 / senders;
    const use = useBottleneck({ packetMs: 0.2, delayMs: 10, bufferMs, senders, bytesEach, endMs: 120_000 });
    const shares = use.shares.map((share) => `${(share * 100).toFixed(0)} %`).join(", ");
    console.log(`| ${bufferMs} ms | ${senders} | ${shares} | ${(use.overflowed * 100).toFixed(1)} % |`);
  }
}
