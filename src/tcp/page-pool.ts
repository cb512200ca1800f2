// Pages that receive buffers share: taken when bytes come, given back when they were consumed, and used again without
// being cleared. What is kept unused is bounded.

export class PagePool {
  private readonly keepBytes: number;
  /** Unused pages by the logarithm of their size. */
  private readonly unused: Uint8Array[][] = [];
  private keptBytes = 0;

  constructor(keepBytes: number) {
    this.keepBytes = keepBytes;
  }

  /** Bytes in unused pages. */
  get kept(): number {
    return this.keptBytes;
  }

  /** `size` is a power of two. Whatever the page held before is still there. */
  take(size: number): Uint8Array {
    const page = this.unused[logarithm(size)]?.pop();
    if (page === undefined) return new Uint8Array(size);
    this.keptBytes -= size;
    return page;
  }

  /** Nobody looks at the page any more. */
  give(page: Uint8Array): void {
    if (this.keptBytes + page.length > this.keepBytes) return;
    this.keptBytes += page.length;
    const index = logarithm(page.length);
    const pages = this.unused[index] ?? [];
    pages.push(page);
    this.unused[index] = pages;
  }
}

function logarithm(size: number): number {
  return 31 - Math.clz32(size);
}
