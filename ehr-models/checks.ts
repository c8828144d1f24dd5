/** Checks of hyperparameters that several models share. Each throws a BenchError that says what would do. */
import { BenchError } from "../core/errors.ts";
import type { Hyperparameters } from "../core/hyperparameters.ts";
import { SCHEDULES } from "../engine/optimizer.ts";
import type { TRAINING_DEFAULTS } from "./model-graphs.ts";

function refuse(what: string, fix: string): never {
  throw new BenchError({ what, fix, exitCode: 2 });
}

/** Everything that is called a dropout, and the other named ones, must be a share in [0, 1). */
export function checkRates(h: Hyperparameters, others: readonly string[] = []): void {
  for (const [name, rate] of Object.entries(h))
    if (
      (/dropout$/i.test(name) || others.includes(name)) &&
      !(Number(rate) >= 0 && Number(rate) < 1)
    )
      refuse(`${name} is ${rate}`, "give a share of at least 0 and below 1");
}

/** The named ones must be whole numbers of at least 1. */
export function checkSizes(h: Hyperparameters, names: readonly string[]): void {
  for (const name of names)
    if (!Number.isInteger(h[name]) || Number(h[name]) < 1)
      refuse(`${name} is ${h[name]}`, "at least 1");
}

/** What every training loop has (`TRAINING_DEFAULTS`). */
export function checkTraining(h: typeof TRAINING_DEFAULTS): void {
  checkSizes(h, ["batchSize"]);
  checkRates(h, ["averaging"]);
  if (!(h.warmup >= 0 && h.warmup <= 1))
    refuse(`warmup is ${h.warmup}`, "give a share of all steps from 0 to 1");
  checkWord("schedule", h.schedule, SCHEDULES);
  for (const name of ["learningRate", "epsilon"] as const)
    if (!(h[name] > 0)) refuse(`${name} is ${h[name]}`, "give a number above 0");
  for (const name of ["weightDecay", "clipNorm"] as const)
    if (!(h[name] >= 0)) refuse(`${name} is ${h[name]}`, "give a number of at least 0");
}

/** Heads must divide a width. */
export function checkHeads(width: number, heads: number): void {
  if (width % heads !== 0)
    refuse(`width ${width} does not divide into ${heads} heads`, `choose a multiple of ${heads}`);
}

/** A word must be one of those known. */
export function checkWord(name: string, word: string, known: readonly string[]): void {
  if (!known.includes(word)) refuse(`${name} "${word}"`, `choose ${known.join(" or ")}`);
}
