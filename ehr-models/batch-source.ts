/** What batches are made from, and in which order: shared by all models. */
import type { Random } from "../core/random.ts";
import type { Feeds } from "../engine/runner.ts";
import type { DimValues, Shape } from "../engine/shape.ts";

/** An input of a model's graph; named sizes are B (samples) and L (code positions). */
export interface InputSpec {
  readonly shape: Shape;
  readonly type: "int32" | "float32";
}

export interface Collated {
  readonly feeds: Feeds;
  readonly dims: DimValues;
}

/** Samples of one split as a model reads them. */
export interface BatchSource {
  /** S. */
  readonly size: number;
  readonly specs: Readonly<Record<string, InputSpec>>;
  /** Code positions of a sample, before padding; at least 1. */
  lengthOf(sample: number): number;
  /** The padded arrays of some samples, in the given order. */
  collate(samples: Int32Array): Collated;
}

/** How large a part of a batch may be; see `splitBatch`. */
export interface PartLimits {
  /** B·L. */
  readonly tokens: number;
  /** Bytes of the model's largest temporary for one sample of a length, e.g. attention scores. */
  readonly bytesOfSample: (length: number) => number;
  /** Steps of a recurrence are faster over many samples at once: its parts keep at least 32. */
  readonly recurrent?: boolean;
}

/** Most tokens of a part: a bound on what is held for the backward pass. */
export const PART_TOKENS = 8192;
/** Most bytes of the largest temporary of a part. */
export const PART_BYTES = 32 * 2 ** 20;
/**
 * Bytes of the largest temporary of a part at which it is cut already, as long as `LEAST_POSITIONS` are
 * left: then most temporaries stay in the processor's caches (bench/engine.ts).
 */
const CACHED_BYTES = 2 * 2 ** 20;
/** Batches among which samples are exchanged to bring equal lengths together. */
const WINDOW = 16;

/** Fewest positions B·L of sequence models: below it, results would depend on the number of threads (`engine/ops/matmul.ts`). */
const LEAST_POSITIONS = 1024;
/** Fewest samples to which a recurrence is cut, so that its steps are more than their overhead. */
const LEAST_SAMPLES = 32;

/** A length rounded up, so that few distinct shapes occur. */
export function paddedLength(length: number): number {
  return Math.ceil(Math.max(1, length) / 8) * 8;
}

/** The padded length of `count` samples of at most `length` codes in a sequence model. */
export function sequenceLength(count: number, length: number): number {
  return paddedLength(Math.max(length, LEAST_POSITIONS / count));
}

/** Samples shuffled, sorted by length within windows of some batches, and cut into batches. */
function sortedBatches(
  source: BatchSource,
  batchSize: number,
  window: number,
  random: Random,
): Int32Array[] {
  const order = random.shuffle(Int32Array.from({ length: source.size }, (_, i) => i));
  const batches: Int32Array[] = [];
  for (let start = 0; start < order.length; start += window * batchSize) {
    const sorted = sortByLength(order.subarray(start, start + window * batchSize), source);
    for (let i = 0; i < sorted.length; i += batchSize)
      batches.push(sorted.subarray(i, i + batchSize));
  }
  return batches;
}

/**
 * The batches of an epoch: samples shuffled, sorted by length within windows of 16 batches so that
 * little is padded, cut into batches, and the batches shuffled. Every sample occurs exactly once.
 */
export function shuffledBatches(
  source: BatchSource,
  batchSize: number,
  random: Random,
): Int32Array[] {
  return random.shuffle(sortedBatches(source, batchSize, WINDOW, random));
}

/**
 * The batches of an epoch with samples of all lengths: sorted in a batch and not among batches, so that every step
 * sees about as many codes and weighs them alike.
 */
export function mixedBatches(source: BatchSource, batchSize: number, random: Random): Int32Array[] {
  return sortedBatches(source, batchSize, 1, random);
}

/** Longest first; samples of one length keep their order. */
export function sortByLength(samples: Int32Array, source: BatchSource): Int32Array {
  const length = new Map<number, number>();
  for (const sample of samples) length.set(sample, source.lengthOf(sample));
  return samples.slice().sort((a, b) => (length.get(b) ?? 0) - (length.get(a) ?? 0));
}

/** Samples of a length in one part, at least 1; a batch with more of them is cut. */
export function partSize(length: number, limits: PartLimits): number {
  const bytes = Math.max(1, limits.bytesOfSample(length));
  const most = Math.min(limits.tokens / length, PART_BYTES / bytes);
  const least = limits.recurrent === true ? LEAST_SAMPLES : LEAST_POSITIONS / length;
  return Math.max(1, Math.floor(Math.min(most, Math.max(CACHED_BYTES / bytes, least))));
}

/**
 * Cuts a batch, sorted longest first, into parts within the limits; a single sample is never cut. The
 * gradients of the parts are summed, so this bounds memory and changes no mean.
 */
export function splitBatch(
  batch: Int32Array,
  source: BatchSource,
  limits: PartLimits,
): Int32Array[] {
  const parts: Int32Array[] = [];
  let start = 0;
  while (start < batch.length) {
    const longest = paddedLength(source.lengthOf(batch[start] as number));
    const size = partSize(longest, limits);
    const count = Math.ceil((batch.length - start) / size);
    const even = count === 1 ? size : Math.ceil((batch.length - start) / count);
    parts.push(batch.subarray(start, start + even));
    start += even;
  }
  return parts;
}

/** An array of the type of an input. */
export function allocate(spec: InputSpec, size: number): Float32Array | Int32Array {
  return spec.type === "int32" ? new Int32Array(size) : new Float32Array(size);
}
