// Packets on their way: each kept, with where it goes, until it is due. Bounded, and its memory is used again.
import type { Millis } from "../../src/core/machine.ts";

interface Waiting<Route> {
  due: Millis;
  /** Tells apart what is due at once: first in, first out. */
  order: number;
  length: number;
  route: Route;
  readonly bytes: Uint8Array;
}

export class DelayLine<Route> {
  private readonly capacity: number;
  private readonly packetBytes: number;
  /** A binary heap, the earliest first. */
  private readonly heap: Waiting<Route>[] = [];
  private readonly free: Waiting<Route>[] = [];
  private order = 0;

  /** So many packets of at most `packetBytes` each. */
  constructor(capacity: number, packetBytes: number) {
    this.capacity = capacity;
    this.packetBytes = packetBytes;
  }

  get waiting(): number {
    return this.heap.length;
  }

  /** When the next packet is due. */
  next(): Millis | undefined {
    return this.heap[0]?.due;
  }

  /** Keeps a copy; false when there is no room for it. */
  hold(packet: Uint8Array, route: Route, due: Millis): boolean {
    if (this.heap.length >= this.capacity || packet.length > this.packetBytes) return false;
    const slot = this.free.pop() ?? { due, order: 0, length: 0, route, bytes: new Uint8Array(this.packetBytes) };
    slot.due = due;
    slot.order = this.order++;
    slot.length = packet.length;
    slot.route = route;
    slot.bytes.set(packet);
    this.heap.push(slot);
    this.rise(this.heap.length - 1);
    return true;
  }

  /** Hands over what is due, earliest first. The bytes are lent for the call. */
  release(now: Millis, deliver: (packet: Uint8Array, route: Route) => void): void {
    for (let first = this.heap[0]; first !== undefined && first.due <= now; first = this.heap[0]) {
      const last = this.heap.pop()!;
      if (last !== first) {
        this.heap[0] = last;
        this.sink();
      }
      deliver(first.bytes.subarray(0, first.length), first.route);
      this.free.push(first);
    }
  }

  private rise(from: number): void {
    const { heap } = this;
    const moved = heap[from]!;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isEarlier(moved, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = moved;
  }

  private sink(): void {
    const { heap } = this;
    const moved = heap[0]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isEarlier(heap[child + 1]!, heap[child]!)) child++;
      if (!isEarlier(heap[child]!, moved)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moved;
  }
}

function isEarlier<Route>(a: Waiting<Route>, b: Waiting<Route>): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}
