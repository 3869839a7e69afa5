/** A list that grows at its end and shrinks at its start, both in constant time, in ascending order of `id`. */
export class EntryList<T extends { id: number }> {
  private items: T[] = [];
  private start = 0;

  get length(): number {
    return this.items.length - this.start;
  }

  get first(): T | undefined {
    return this.items[this.start];
  }

  get last(): T | undefined {
    return this.length > 0 ? this.items.at(-1) : undefined;
  }

  push(item: T): void {
    this.items.push(item);
  }

  shift(): T | undefined {
    const item = this.first;
    if (item === undefined) return undefined;
    this.start += 1;
    if (this.start * 2 > this.items.length) this.compact();
    return item;
  }

  /** The first `limit` entries with `after < id <= upTo`, oldest first. */
  between(after: number, upTo: number, limit = Infinity): T[] {
    const from = this.indexAfter(after);
    return this.items.slice(from, Math.min(this.indexAfter(upTo), from + limit));
  }

  has(id: number): boolean {
    const index = this.indexAfter(id) - 1;
    return index >= this.start && this.items[index]?.id === id;
  }

  *newestFirst(): Generator<T> {
    for (let i = this.items.length - 1; i >= this.start; i--) yield this.items[i]!;
  }

  private indexAfter(id: number): number {
    let low = this.start;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.items[middle]!.id <= id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private compact(): void {
    this.items = this.items.slice(this.start);
    this.start = 0;
  }
}
