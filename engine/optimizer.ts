/** AdamW's hyperparameters, learning-rate schedules and the rule for clipping; `state.ts` applies them. */
import { BenchError } from "../core/errors.ts";

/** AdamW (Loshchilov and Hutter 2019), clipped by the global norm (Pascanu et al. 2013). */
export interface OptimizerOptions {
  readonly learningRate: number;
  readonly b1: number;
  readonly b2: number;
  readonly epsilon: number;
  /** Applied to parameters that ask for it, times the learning rate. */
  readonly weightDecay: number;
  /** Gradients are scaled down to this norm; 0 switches clipping off. */
  readonly clipNorm: number;
}

export const OPTIMIZER_DEFAULTS: OptimizerOptions = {
  learningRate: 1e-3,
  b1: 0.9,
  b2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  clipNorm: 1,
};

export const SCHEDULES = ["constant", "linear", "cosine"] as const;
/** What happens to the learning rate after the warm-up: nothing, or a fall to zero along a line or a cosine. */
export type ScheduleName = (typeof SCHEDULES)[number];

/** Factor of the learning rate at a step, counted from 0. */
export type Schedule = (step: number) => number;

/** A linear rise over `warmup` steps, then the named course to the end of `steps`. @throws BenchError for another name. */
export function makeSchedule(name: string, warmup: number, steps: number): Schedule {
  const known = SCHEDULES.find((schedule) => schedule === name);
  if (known === undefined)
    throw new BenchError({
      what: `unknown learning-rate schedule "${name}"`,
      fix: `choose one of ${SCHEDULES.join(", ")}`,
      exitCode: 2,
    });
  return (step) => {
    if (step < warmup) return (step + 1) / warmup;
    const rest = Math.max(1, steps - warmup);
    const done = Math.min(1, (step - warmup) / rest);
    return course(known, done);
  };
}

function course(name: ScheduleName, done: number): number {
  switch (name) {
    case "constant":
      return 1;
    case "linear":
      return 1 - done;
    case "cosine":
      return (1 + Math.cos(Math.PI * done)) / 2;
    default:
      return name satisfies never;
  }
}

/** Factor that brings a gradient of the given norm down to `clipNorm`. */
export function clipScale(norm: number, clipNorm: number): number {
  return clipNorm > 0 && norm > clipNorm ? clipNorm / norm : 1;
}
