/**
 * Several classes that do not exclude each other as one set a sample: the classes whose probability is at
 * least 0.5, against the true ones. Jaccard and F1 are means over samples, as in the literature on drug
 * recommendation (Shang et al., GAMENet, AAAI 2019); the rate of interactions is over all pairs of drugs
 * in all predicted sets.
 */
import type { PanelInput, PanelMetric } from "./panel.ts";

/** A class is in the predicted set from this probability on; fixed, so that sets are compared alike. */
export const SET_THRESHOLD = 0.5;

/** Pairs of classes that interact, by index; unordered, each once, no class with itself. */
export type Interactions = readonly (readonly [number, number])[];

/** What the scores of the sets add up to, by subject, [N] each: a draw is a weighted sum of these. */
export interface SetSums {
  readonly samples: Float64Array;
  readonly jaccard: Float64Array;
  readonly f1: Float64Array;
  /** Pairs of two different classes in predicted sets, and those among them that interact. */
  readonly pairs: Float64Array;
  readonly interacting: Float64Array;
}

export const SET_METRICS: readonly PanelMetric[] = [
  { name: "sample_jaccard", average: "samples", perClass: false },
  { name: "sample_f1", average: "samples", perClass: false },
];
export const INTERACTION_METRIC: PanelMetric = {
  name: "ddi_rate",
  average: "pairs",
  perClass: false,
};

/** Whether two classes interact, [C × C], symmetric. */
function interactionMatrix(interactions: Interactions, classes: number): Uint8Array {
  const matrix = new Uint8Array(classes * classes);
  for (const [a, b] of interactions) {
    matrix[a * classes + b] = 1;
    matrix[b * classes + a] = 1;
  }
  return matrix;
}

/** Sizes of a sample's predicted and true sets and of what they share. */
export interface Overlap {
  readonly predicted: number;
  readonly actual: number;
  readonly both: number;
}

/** Shared over all; 1 where both sets are empty, as nothing was wrong. */
export function jaccard({ predicted, actual, both }: Overlap): number {
  const union = predicted + actual - both;
  return union === 0 ? 1 : both / union;
}

/** Twice the shared over the sum of sizes; 1 where both sets are empty, as nothing was wrong. */
export function setF1({ predicted, actual, both }: Overlap): number {
  return predicted + actual === 0 ? 1 : (2 * both) / (predicted + actual);
}

function plus(sums: Float64Array, at: number, value: number): void {
  sums[at] = (sums[at] as number) + value;
}

/** The predicted set of one sample, and how it overlaps with the true one. */
function readSet(input: PanelInput, sample: number): { set: number[]; overlap: Overlap } {
  const { classes, labels, probabilities } = input;
  const set: number[] = [];
  let actual = 0;
  let both = 0;
  for (let c = 0; c < classes; c++) {
    const label = labels[sample * classes + c] as number;
    actual += label;
    if ((probabilities[sample * classes + c] as number) < SET_THRESHOLD) continue;
    set.push(c);
    both += label;
  }
  return { set, overlap: { predicted: set.length, actual, both } };
}

/**
 * Scores of all samples, added up by subject and by size, so that the order of the samples does not even
 * show in the last digit. `pairs` stays 0 without interactions.
 */
export function sumSets(input: PanelInput): SetSums {
  const { classes, subject, interactions } = input;
  const subjects = subject.reduce((most, s) => Math.max(most, s + 1), 0);
  const make = () => new Float64Array(subjects);
  const sums = { samples: make(), jaccard: make(), f1: make(), pairs: make(), interacting: make() };
  const matrix = interactions === undefined ? undefined : interactionMatrix(interactions, classes);
  const scores = Array.from(subject, (s, i) => {
    const { set, overlap } = readSet(input, i);
    if (matrix !== undefined) {
      plus(sums.pairs, s, (set.length * (set.length - 1)) / 2);
      plus(sums.interacting, s, interactingPairs(set, matrix, classes));
    }
    return { s, jaccard: jaccard(overlap), f1: setF1(overlap) };
  });
  scores.sort((a, b) => a.s - b.s || a.jaccard - b.jaccard); // F1 rises with Jaccard
  for (const score of scores) {
    plus(sums.samples, score.s, 1);
    plus(sums.jaccard, score.s, score.jaccard);
    plus(sums.f1, score.s, score.f1);
  }
  return sums;
}

function interactingPairs(set: readonly number[], matrix: Uint8Array, classes: number): number {
  let count = 0;
  for (let i = 0; i < set.length; i++)
    for (let j = i + 1; j < set.length; j++)
      count += matrix[(set[i] as number) * classes + (set[j] as number)] as number;
  return count;
}

function weighted(sums: Float64Array, weights: Uint8Array): number {
  let total = 0;
  for (let s = 0; s < sums.length; s++) total += (sums[s] as number) * (weights[s] as number);
  return total;
}

/**
 * Mean Jaccard, mean F1 and share of interacting pairs under weights, one a subject; NaN without samples,
 * or without a pair in any predicted set.
 */
export function measureSets(sums: SetSums, weights: Uint8Array): readonly [number, number, number] {
  const samples = weighted(sums.samples, weights);
  return [
    weighted(sums.jaccard, weights) / samples,
    weighted(sums.f1, weights) / samples,
    weighted(sums.interacting, weights) / weighted(sums.pairs, weights),
  ];
}
