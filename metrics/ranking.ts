/**
 * Samples of one class sorted by probability once, so that AUPRC, AUROC and F1, and every bootstrap draw
 * of them, are one pass: a draw changes only the samples' weights. Counts are whole numbers and ties are
 * one group, so the order in which samples were given never shows.
 */
import { descendingOrder, sortKeys } from "./sort.ts";

/** Row-major values of all classes, e.g. labels or probabilities [S × C]. */
export type Values = Uint8Array | Float32Array | Float64Array;

const POSITIVE = 1;
const TIE_END = 2;
const FLAG_BITS = 2;
const MOST_OWNERS = 2 ** (32 - FLAG_BITS);
/** A draw weighs about as much as all samples together; counts must stay below 2^31. */
const MOST_SAMPLES = 2 ** 30;

/** One class, highest probability first; made by `rank`. */
export interface Ranking {
  /** Owner (which weight the sample takes), whether it ends a group of equal probability, its label. */
  readonly packed: Uint32Array; // [S]
  /** Number of samples with probability >= threshold; 0 when there is no threshold. */
  readonly cut: number;
}

/** What one pass finds: weighted counts and sums. */
export interface RankSums {
  readonly samples: number;
  readonly positives: number;
  /** Over distinct probabilities: positives gained times precision there. */
  readonly precision: number;
  /** Pairs of a positive below a negative, ties one half. */
  readonly discordant: number;
  /** Samples, and positives among them, at or above the threshold. */
  readonly cutSamples: number;
  readonly cutPositives: number;
}

/** Column `c` of row-major values [S × C]. */
export function column(values: Values, classes: number, c: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array(values.length / classes);
  for (let i = 0; i < out.length; i++) out[i] = values[i * classes + c] as number;
  return out;
}

/**
 * Sorts the samples of one class.
 * @param labels 0 or 1, [S]
 * @param probabilities in [0, 1], [S]
 * @param owner index of the weight each sample takes, [S]
 * @param threshold above or at which a sample is predicted positive
 */
export function rank(
  labels: ArrayLike<number>,
  probabilities: Values,
  owner: Uint32Array,
  threshold: number | null = null,
): Ranking {
  const size = probabilities.length;
  if (size > MOST_SAMPLES) throw new Error(`more than ${MOST_SAMPLES} samples and classes`);
  const order = descendingOrder(sortKeys(probabilities));
  const packed = new Uint32Array(size);
  let cut = 0;
  for (let i = 0; i < size; i++) {
    const sample = order[i] as number;
    const weight = owner[sample] as number;
    if (weight >= MOST_OWNERS) throw new Error(`more than ${MOST_OWNERS} subjects`);
    const p = probabilities[sample] as number;
    const next = order[i + 1];
    const tieEnd = next !== undefined && probabilities[next] === p ? 0 : TIE_END;
    packed[i] = weight * 2 ** FLAG_BITS + tieEnd + (labels[sample] === 1 ? POSITIVE : 0);
    if (threshold !== null && p >= threshold) cut = i + 1;
  }
  return { packed, cut };
}

/**
 * One pass over a ranking under weights, one per owner. This is the inner loop of every bootstrap, so
 * counts are kept as 32-bit integers and the label selects by mask instead of by branch.
 */
export function scan(ranking: Ranking, weights: Uint8Array): RankSums {
  const { packed, cut } = ranking;
  let samples = 0;
  let positives = 0;
  let samplesBefore = 0;
  let positivesBefore = 0;
  let precision = 0;
  let discordant = 0;
  let cutSamples = 0;
  let cutPositives = 0;
  let i = 0;
  for (const stop of [cut, packed.length]) {
    for (; i < stop; i++) {
      const bits = packed[i] as number;
      const weight = weights[bits >>> FLAG_BITS] as number;
      samples = (samples + weight) | 0;
      positives = (positives + (weight & -(bits & POSITIVE))) | 0;
      if ((bits & TIE_END) === 0) continue;
      if (positives !== positivesBefore) {
        const gained = positives - positivesBefore;
        const negativesAbove = samplesBefore - positivesBefore;
        precision += gained * (positives / samples);
        discordant += gained * (negativesAbove + (samples - samplesBefore - gained) / 2);
        positivesBefore = positives;
      }
      samplesBefore = samples;
    }
    if (stop !== cut) break;
    cutSamples = samples;
    cutPositives = positives;
  }
  return { samples, positives, precision, discordant, cutSamples, cutPositives };
}

/** Each sample counted once. Shapes as in `rank`. */
export function sumsOf(
  labels: ArrayLike<number>,
  probabilities: Values,
  threshold: number | null = null,
): RankSums {
  const owner = new Uint32Array(probabilities.length);
  return scan(rank(labels, probabilities, owner, threshold), Uint8Array.of(1));
}
