/**
 * Samples -> codes that are there and a short dense profile, for linear models. L is the number of distinct units
 * of a sample, padded; nothing of the size of the vocabulary is ever written per sample.
 */
import type { History, SampleSource } from "../core/samples.ts";
import type { Tokenizer } from "../core/tokenizer.ts";
import { scaledAge } from "./age.ts";
import { type BatchSource, paddedLength } from "./batch-source.ts";

/** Codes are looked for in the whole history, its last 365 days, and its last visit. */
export const BAG_WINDOWS = 3;
const RECENT_DAYS = 365;
const AGE_BINS = 10;
/** Age, its square, age unknown, age bins, three sexes, four numbers of utilisation. */
const FIXED_FEATURES = 3 + AGE_BINS + 3 + 4;

/** F: width of the profile. */
export function profileWidth(raceCount: number): number {
  return FIXED_FEATURES + raceCount;
}

/** One sample as linear models read it. */
export interface Bag {
  readonly units: Int32Array; // [n] distinct, ascending
  readonly present: Float32Array; // [BAG_WINDOWS × n] 0 or 1
  readonly profile: Float32Array; // [F]
}

/** In which windows each unit occurs; every unit does in the first. */
function findUnits(history: History, unit: Int32Array): Map<number, [true, boolean, boolean]> {
  const found = new Map<number, [true, boolean, boolean]>();
  for (let i = 0; i < history.length; i++) {
    const u = unit[history.code[i] as number] as number;
    const isRecent = (history.daysBefore[i] as number) <= RECENT_DAYS;
    const isLast = (history.visit[i] as number) === history.visitCount - 1;
    const [, wasRecent = false, wasLast = false] = found.get(u) ?? [];
    found.set(u, [true, wasRecent || isRecent, wasLast || isLast]);
  }
  return found;
}

/** Demographics one-hot and scaled; utilisation as log(1 + n): visits, codes, distinct codes, days since the last visit began. */
function profileOf(
  source: SampleSource,
  sample: number,
  history: History,
  distinct: number,
): Float32Array {
  const profile = new Float32Array(profileWidth(source.raceCount));
  const age = source.ageYears[sample] as number;
  const isKnown = !Number.isNaN(age);
  profile[0] = scaledAge(age);
  profile[1] = scaledAge(age) ** 2;
  profile[2] = isKnown ? 0 : 1;
  let at = 3;
  if (isKnown) profile[at + Math.min(AGE_BINS - 1, Math.floor(age / 10))] = 1;
  at += AGE_BINS;
  profile[at + (source.sex[sample] as number)] = 1;
  at += 3;
  const sinceLast = history.visitCount > 0 ? (history.visitStart[history.visitCount - 1] ?? 0) : 0;
  profile[at] = Math.log1p(history.visitCount);
  profile[at + 1] = Math.log1p(history.length);
  profile[at + 2] = Math.log1p(distinct);
  profile[at + 3] = Math.log1p(Math.max(0, sinceLast));
  profile[at + 4 + (source.race[sample] as number)] = 1;
  return profile;
}

/** A sample's bag, made anew. */
export function bagOf(source: SampleSource, tokenizer: Tokenizer, sample: number): Bag {
  const history = source.read(sample);
  const found = findUnits(history, tokenizer.unit);
  const units = Int32Array.from(found.keys()).sort();
  const values = new Float32Array(units.length * BAG_WINDOWS);
  for (const [i, u] of units.entries())
    for (const [w, is] of (found.get(u) ?? []).entries()) values[w * units.length + i] = Number(is);
  return { units, present: values, profile: profileOf(source, sample, history, units.length) };
}

/** `units` [B, L], `present` [B, 3, L] and `profile` [B, F] of a split. Bags are kept once they are made. */
export function bagInputs(source: SampleSource, tokenizer: Tokenizer): BatchSource {
  const bags = new Map<number, Bag>();
  const bag = (sample: number): Bag => {
    const known = bags.get(sample) ?? bagOf(source, tokenizer, sample);
    bags.set(sample, known);
    return known;
  };
  const F = profileWidth(source.raceCount);
  return {
    size: source.size,
    specs: {
      units: { type: "int32", shape: ["B", "L"] },
      present: { type: "float32", shape: ["B", BAG_WINDOWS, "L"] },
      profile: { type: "float32", shape: ["B", F] },
    },
    lengthOf: (sample) => Math.max(1, bag(sample).units.length),
    collate(samples) {
      const B = samples.length;
      const longest = samples.reduce((n, sample) => Math.max(n, bag(sample).units.length), 1);
      const L = paddedLength(longest);
      const units = new Int32Array(B * L);
      const present = new Float32Array(B * L * BAG_WINDOWS);
      const profile = new Float32Array(B * F);
      for (const [b, sample] of samples.entries()) {
        const made = bag(sample);
        units.set(made.units, b * L);
        const n = made.units.length;
        for (let w = 0; w < BAG_WINDOWS; w++)
          present.set(made.present.subarray(w * n, (w + 1) * n), (b * BAG_WINDOWS + w) * L);
        profile.set(made.profile, b * F);
      }
      return { feeds: { units, present, profile }, dims: { B, L } };
    },
  };
}
