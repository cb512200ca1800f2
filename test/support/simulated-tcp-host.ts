// A host with an agent and its TUN device, for simulations: programs open TCP connections through it, and its kernel is the
// TCP of this project. A program that has asked for something sends nothing more but acknowledgements.
import { Agent } from "../../src/agent/agent.ts";
import type { AgentService } from "../../src/agent/routes.ts";
import { earlier, type Millis, TIMEOUT } from "../../src/core/machine.ts";
import type { Dial, DialEvent, Fatal, Notice, PeerCommand, PeerEvent } from "../../src/tunnel/peer.ts";
import type { Ipv4 } from "../../src/wire/address.ts";
import { AgentTcp } from "./agent-tcp.ts";
import { TUN_ADDRESS, tunRead } from "./agent-world.ts";
import { isForTheWorld } from "./simulated-host.ts";

export class SimulatedTcpHost {
  readonly agent: Agent;
  readonly connections: AgentTcp[] = [];
  /** Of the kernel, for the agent to read. */
  private readonly outgoing: Uint8Array[] = [];
  private now: Millis = 0;

  constructor(services: readonly AgentService[], random: () => number) {
    this.agent = new Agent({ services, random, room: () => 1000, tunAddress: TUN_ADDRESS });
  }

  /** Every host has the same address and uses the same ports. */
  open(destination: Ipv4, request: string, now: Millis): AgentTcp {
    const sourcePort = 40_000 + this.connections.length;
    const flow = { source: TUN_ADDRESS, sourcePort, destination, destinationPort: 80 };
    const connection = new AgentTcp(flow, now);
    connection.write(new TextEncoder().encode(request), now);
    this.connections.push(connection);
    this.now = now;
    this.send(connection);
    return connection;
  }

  handle(input: PeerEvent | DialEvent | typeof TIMEOUT, now: Millis): void {
    this.now = now;
    this.agent.handle(input, now);
    if (input !== TIMEOUT) return;
    for (const each of this.connections) {
      if ((each.connection.deadline() ?? Number.POSITIVE_INFINITY) > now) continue;
      each.timeout(now);
      this.send(each);
    }
  }

  poll(): PeerCommand | Dial | Notice | Fatal | undefined {
    for (;;) {
      const output = this.agent.poll();
      if (output === undefined) {
        const packet = this.agent.takesPackets ? this.outgoing.shift() : undefined;
        if (packet === undefined) return undefined;
        this.agent.handle(tunRead(packet), this.now);
      } else if (output.type === "tun-write") this.receive(output.bytes);
      else if (isForTheWorld(output)) return output;
    }
  }

  deadline(): Millis | undefined {
    const deadlines = this.connections.map(({ connection }) => connection.deadline());
    return deadlines.reduce(earlier, this.agent.deadline());
  }

  private receive(packet: Uint8Array): void {
    const connection = this.connections.find((each) => each.owns(packet));
    if (connection === undefined) return;
    connection.receive(packet, this.now);
    this.send(connection);
  }

  private send(connection: AgentTcp): void {
    this.outgoing.push(...connection.packets(this.now));
  }
}
