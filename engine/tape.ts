/** What a graph remembers for the way back: each operation's output, inputs and gradient rule. */

/** The gradients of an operation's inputs, each a function that emits its nodes; undefined where there is none. */
export type TapeRule<T> = (dy: T) => readonly ((() => T) | undefined)[];

export interface TapeEntry<T> {
  readonly output: T;
  readonly inputs: readonly T[];
  readonly rule: TapeRule<T>;
}

export class Tape<T extends { tracked: boolean }> {
  readonly entries: TapeEntry<T>[] = [];
  readonly #outputs = new Set<T>();
  #isOn = true;

  get isOn(): boolean {
    return this.#isOn;
  }

  /** Runs `build` without recording. */
  paused<R>(build: () => R): R {
    const before = this.#isOn;
    this.#isOn = false;
    try {
      return build();
    } finally {
      this.#isOn = before;
    }
  }

  /** A no-op where no input is tracked; else the output is tracked from now on. */
  record(output: T, inputs: readonly T[], rule: TapeRule<T>): T {
    const isWanted = this.#isOn && inputs.some((input) => input.tracked);
    if (isWanted && !this.#outputs.has(output)) {
      output.tracked = true;
      this.#outputs.add(output);
      this.entries.push({ output, inputs, rule });
    }
    return output;
  }
}
