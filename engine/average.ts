/**
 * Exponential moving average of the parameters over the steps (averaging of iterates: Polyak and Juditsky,
 * SIAM J. Control Optim. 30, 1992). What is scored and kept is the average: it varies less from step to
 * step than the parameters do, and so does the choice of the epoch. The values live in the state.
 */
import type { State } from "./state.ts";

export class ParameterAverage {
  readonly #decay: number;
  readonly #state: State;

  /** @param decay weight of the past, in [0, 1); 0 keeps no average. */
  constructor(state: State, decay: number) {
    this.#state = state;
    this.#decay = decay;
  }

  /** Takes the current parameters in, after each update; early steps count more, so that the start is forgotten. */
  update(): void {
    if (this.#decay === 0) return; // the average is then read off the state, see `during`
    const { step } = this.#state;
    const decay = Math.min(this.#decay, (1 + step) / (10 + step));
    this.#state.followAverage(1 - decay);
  }

  /** Runs `work` with the averaged parameters in the state, then puts the current ones back. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#decay === 0) return work();
    this.#state.swapAverage();
    try {
      return await work();
    } finally {
      this.#state.swapAverage();
    }
  }
}
