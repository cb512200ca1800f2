// Who serves and who uses each service. Which connector gets traffic is worked out when something changes, so that the
// data path only reads it.
import { encodeServiceId } from "../wire/tunnel.ts";
import type { Session } from "./session.ts";

export class Service {
  readonly name: string;
  /** The name as it is sent, for comparing without making a string. */
  readonly id: Uint8Array;
  /** Its connectors, oldest registration first. */
  readonly servings: Serving[] = [];
  readonly agents = new Set<Session>();
  /** The latest connector that can take traffic. */
  newest: Serving | undefined;
  datagramsToConnectors = 0;
  datagramsToAgents = 0;

  constructor(name: string, id: Uint8Array) {
    this.name = name;
    this.id = id;
  }
}

/** A connector's registration. */
export class Serving {
  readonly session: Session;
  readonly service: Service;
  /** The newer connector that took its place; it gets the place back when that one leaves or falls silent. */
  displacedBy: Serving | undefined;
  /** Somebody that displaced it is alive. */
  covered = false;
  /** Not covered, not silent, not gone: it takes traffic. */
  usable = false;
  /** The registration of the same identity that replaces it unless it gives a sign of life. */
  challenger: Serving | undefined;
  /** Connectors of other identities that take the service if this one gives no sign of life. */
  readonly waiting = new Set<Session>();

  constructor(session: Session, service: Service) {
    this.session = session;
    this.service = service;
  }
}

/** An agent's registration. */
export class Use {
  readonly service: Service;
  /** The connector that its packets go to, as long as that one is usable. */
  bound: Serving | undefined;

  constructor(service: Service) {
    this.service = service;
  }

  copy(): Use {
    const copy = new Use(this.service);
    copy.bound = this.bound;
    return copy;
  }
}

export class Registry {
  private readonly services = new Map<string, Service>();

  get size(): number {
    return this.services.size;
  }

  all(): Iterable<Service> {
    return this.services.values();
  }

  find(name: string): Service | undefined {
    return this.services.get(name);
  }

  use(session: Session, name: string): void {
    const service = this.serviceFor(name);
    service.agents.add(session);
    session.uses.push(new Use(service));
  }

  serve(session: Session, name: string): Serving {
    const service = this.serviceFor(name);
    const serving = new Serving(session, service);
    service.servings.push(serving);
    session.servings.push(serving);
    return serving;
  }

  /** Where packets of this use go: the same connector as long as that lasts, else a former one, else the newest. */
  connectorFor(use: Use, former: readonly Use[]): Serving | undefined {
    if (use.bound?.usable !== true) use.bound = this.formerConnector(use, former) ?? use.service.newest;
    return use.bound;
  }

  /** Where packets of this use went before, if they still can. */
  formerConnector(use: Use, former: readonly Use[]): Serving | undefined {
    const before = former.find(({ service }) => service === use.service)?.bound;
    return before?.usable === true ? before : undefined;
  }

  /** The registration that lets this connector send to this agent. */
  vouching(connector: Session, agent: Session): Serving | undefined {
    return connector.servings.find((serving) => serving.usable && serving.service.agents.has(agent));
  }

  /** Works out anew who takes traffic. Returns those who were displaced or promoted by the change. */
  refresh(service: Service): Serving[] {
    const turned: Serving[] = [];
    service.newest = undefined;
    for (const serving of service.servings) {
      const covered = isCovered(serving);
      if (covered !== serving.covered) turned.push(serving);
      serving.covered = covered;
      serving.usable = !covered && !serving.session.silent;
      if (serving.usable) service.newest = serving;
    }
    return turned;
  }

  withdraw(serving: Serving): void {
    const { service, session } = serving;
    serving.usable = false;
    remove(service.servings, serving);
    remove(session.servings, serving);
    for (const other of service.servings) {
      if (other.displacedBy === serving) other.displacedBy = serving.displacedBy;
      if (other.challenger === serving) other.challenger = undefined;
    }
    this.forgetUnused(service);
  }

  /** The connection is gone. Returns the services that lost a connector; those want a refresh. */
  leave(session: Session): Service[] {
    for (const use of session.uses) {
      use.service.agents.delete(session);
      this.forgetUnused(use.service);
    }
    const servings = [...session.servings];
    for (const serving of servings) this.withdraw(serving);
    return servings.map((serving) => serving.service);
  }

  private serviceFor(name: string): Service {
    const known = this.services.get(name);
    if (known !== undefined) return known;
    const id = encodeServiceId(name);
    if (id === undefined) throw new RangeError("a service id must be UTF-8 of at most 255 bytes");
    const service = new Service(name, id);
    this.services.set(name, service);
    return service;
  }

  private forgetUnused(service: Service): void {
    if (service.agents.size === 0 && service.servings.length === 0) this.services.delete(service.name);
  }
}

function isCovered(serving: Serving): boolean {
  for (let above = serving.displacedBy; above !== undefined; above = above.displacedBy) {
    if (!above.session.silent) return true;
  }
  return false;
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}
