// The TUN device of `ztna agent`: made before anything is dialled, or a sentence that says what does the same without it.
import { MAX_HEAD } from "../agent/routes.ts";
import { processLoop } from "../runtime/process-loop.ts";
import { Tun, type TunReader } from "../runtime/tun.ts";
import { freeTunAddress, TunDevice, TunFailure } from "../runtime/tun-device.ts";
import { type Ipv4, parseIpv4 } from "../wire/address.ts";
import type { AgentSettings } from "./agent-options.ts";
import { agentServices } from "./agent-services.ts";
import { CommandError } from "./errors.ts";
import { ANY_DEVICE } from "./tun-device.ts";

/** What the operator wants, else the first that is free. */
export function tunAddress({ values }: AgentSettings): Ipv4 {
  const wanted = values.tunAddress === undefined ? undefined : parseIpv4(values.tunAddress);
  return wanted ?? freeTunAddress(FIRST_ADDRESS);
}

/** Throws when the host does not give us one. */
export async function openTun(settings: AgentSettings, address: Ipv4, reader: TunReader): Promise<Tun> {
  const shared = await processLoop();
  if (shared === undefined) throw new CommandError(`a TUN device takes Linux with glibc; ${INSTEAD}`);
  const { tun = ANY_DEVICE } = settings.values;
  const destinations = agentServices(settings).map(({ virtualIp }) => virtualIp);
  const name = tun === ANY_DEVICE ? undefined : tun;
  try {
    const device = TunDevice.open(shared.libc, { name, address, destinations, mtu: FIRST_MTU });
    return new Tun({ ...shared, device, reader, room: MAX_HEAD });
  } catch (error) {
    if (!(error instanceof TunFailure)) throw error;
    throw new CommandError(
      error.code === "EEXIST" || error.code === "EBUSY" ? error.message : `${error.message}; ${INSTEAD}`,
    );
  }
}

const INSTEAD =
  "without one, --listen 127.0.0.1:PORT=SERVICE makes a service reachable at a local port, --socks5 127.0.0.1:1080 all of them";
/** 100.64.0.1, where the reference's agents are. */
const FIRST_ADDRESS = 0x6440_0001;
/** Until the relay connection says more. */
const FIRST_MTU = 1280;
