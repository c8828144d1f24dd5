/**
 * Exponential moving average of the parameters over the steps (averaging of iterates: Polyak and Juditsky,
 * SIAM J. Control Optim. 30, 1992). What is scored and kept is the average: it varies less from step to
 * step than the parameters do, and so does the choice of the epoch.
 */
import type { State } from "./state.ts";

export class ParameterAverage {
  readonly #decay: number;
  readonly #state: State;
  readonly #values: Float32Array;
  #steps = 0;

  /** @param decay weight of the past, in [0, 1); the average starts at the current parameters. */
  constructor(state: State, decay: number) {
    this.#state = state;
    this.#decay = decay;
    this.#values = state.copyParameters();
  }

  /** Takes the current parameters in; early steps count more, so that the start is forgotten. */
  update(): void {
    if (this.#decay === 0) return; // the average is then read off the state, see `during`
    this.#steps += 1;
    const decay = Math.min(this.#decay, (1 + this.#steps) / (10 + this.#steps));
    const current = this.#state.copyParameters();
    const average = this.#values;
    for (let i = 0; i < average.length; i++) {
      const a = average[i] as number;
      average[i] = a + (1 - decay) * ((current[i] as number) - a);
    }
  }

  /** Runs `work` with the averaged parameters in the state, then puts the current ones back. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#decay === 0) return work();
    const current = this.#state.copyParameters();
    this.#state.setParameters(this.#values);
    try {
      return await work();
    } finally {
      this.#state.setParameters(current);
    }
  }
}
