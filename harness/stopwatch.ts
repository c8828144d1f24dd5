/** Wall time by stage, in seconds, for a record's `timings`. */
export class Stopwatch {
  readonly #seconds: Map<string, number>;

  /** @param before seconds by stage that were spent already */
  constructor(before: Readonly<Record<string, number>> = {}) {
    this.#seconds = new Map(Object.entries(before));
  }

  /** Runs `work` and adds its wall time to the stage. */
  async time<T>(stage: string, work: () => Promise<T> | T): Promise<T> {
    const began = performance.now();
    try {
      return await work();
    } finally {
      const before = this.#seconds.get(stage) ?? 0;
      this.#seconds.set(stage, before + (performance.now() - began) / 1000);
    }
  }

  /** Seconds by stage, to the millisecond. */
  get seconds(): Record<string, number> {
    return Object.fromEntries(
      [...this.#seconds].map(([stage, s]) => [stage, Math.round(s * 1000) / 1000]),
    );
  }
}
