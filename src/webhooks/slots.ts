/** At most `size` pieces of work at a time; the others wait in the order in which they came. */
export class Slots {
  private readonly queue: (() => void)[] = [];
  private taken = 0;

  constructor(private readonly size: number) {}

  get inUse(): number {
    return this.taken;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.taken >= this.size) await new Promise<void>((resolve) => this.queue.push(resolve));
    else this.taken += 1;
    try {
      return await work();
    } finally {
      // A slot goes from hand to hand, so that nobody can slip in between.
      const next = this.queue.shift();
      if (next) next();
      else this.taken -= 1;
    }
  }
}
