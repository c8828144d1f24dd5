/** Samples -> probabilities by sampled futures. */
import { sha256 } from "../../core/hash.ts";
import type { Random } from "../../core/random.ts";
import type { SampleSource } from "../../core/samples.ts";
import type { Decoder, PromptInput } from "./decoder.ts";
import { Future, type FutureRules } from "./future.ts";
import { generate, type Job } from "./generate.ts";
import { eventsOf } from "./timeline.ts";
import { LEADING, type Vocabulary } from "./vocabulary.ts";
import { type TokenFlags, WeightedFuture } from "./weighted-future.ts";
import { standingFeeds } from "./windows.ts";

export interface ScoringRules {
  readonly future: FutureRules;
  /** What each token is to the outcome; given where outcomes are weighed instead of drawn. */
  readonly flags: TokenFlags | undefined;
  /** Number of futures a sample. */
  readonly futures: number;
  /** Most tokens of a prompt, the leading ones included. */
  readonly promptTokens: number;
  readonly classes: number;
  /** Streams are derived from it by what a prompt holds, and by the number of the future. */
  readonly random: Random;
}

interface Prompt extends PromptInput {
  readonly elapsed: number;
  readonly isDead: boolean;
}

/** What is visible of a sample: the leading tokens, and the most recent ones that there is room for. */
export function promptOf(
  samples: SampleSource,
  sample: number,
  vocabulary: Vocabulary,
  most: number,
): Prompt {
  const years = samples.ageYears[sample] as number;
  const events = eventsOf(samples.read(sample), vocabulary.roles, years);
  const { tokens, ageDays, standing, elapsed, isDead } = vocabulary.encodeHistory(events);
  const from = Math.max(0, tokens.length - (most - LEADING));
  const sex = samples.sex[sample] as number;
  const race = samples.race[sample] as number;
  const leading = vocabulary.leading(sex, race, ageDays[from] as number);
  const prompt = new Int32Array(LEADING + tokens.length - from);
  prompt.set(leading);
  prompt.set(tokens.subarray(from), LEADING);
  const stretch = { subject: { tokens, standing }, from, length: tokens.length - from };
  const beside = (L: number) => standingFeeds([stretch], L, vocabulary);
  return { tokens: prompt, beside, elapsed, isDead };
}

/** A stream that depends on what a prompt says, not on where in a split it stands. */
function streamOf(tokens: Int32Array, elapsed: number, random: Random): Random {
  const bytes = new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength);
  return random.derive(sha256(`${Buffer.from(bytes).toString("base64")} ${elapsed}`));
}

/** Share of the answered futures in which each class came true; 0 where none was answered. */
function shares(futures: readonly Future[], classes: number): Float32Array {
  return Float32Array.from({ length: classes }, (_, c) => {
    const isTrue = (future: Future) => ((future.classes >> c) & 1) === 1;
    const positive = futures.filter(isTrue).length;
    const answered = futures.filter((future) => future.isAnswered || isTrue(future)).length;
    return answered === 0 ? 0 : positive / answered;
  });
}

function weighted(futures: readonly WeightedFuture[]): number {
  const positive = futures.reduce((sum, future) => sum + future.positive, 0);
  const weight = futures.reduce((sum, future) => sum + future.weight, 0);
  return weight <= 0 ? 0 : Math.min(1, positive / weight);
}

/** Samples whose futures are held at once. */
const CHUNK = 4096;

interface Scored {
  readonly job: Job;
  /** Probabilities [C], once all futures are over. */
  readonly result: () => Float32Array;
}

function begin(samples: SampleSource, sample: number, rules: ScoringRules): Scored {
  const { future: shared, flags, classes } = rules;
  const prompt = promptOf(samples, sample, shared.vocabulary, rules.promptTokens);
  const { tokens, elapsed, isDead } = prompt;
  const stream = streamOf(tokens, elapsed, rules.random);
  const count = isDead ? 0 : rules.futures;
  const streams = Array.from({ length: count }, (_, f) => stream.derive(f));
  if (flags === undefined) {
    const futures = streams.map((random) => new Future(shared, elapsed, random));
    return { job: { prompt, futures }, result: () => shares(futures, classes) };
  }
  const futures = streams.map((random) => new WeightedFuture(shared, flags, elapsed, random));
  return {
    job: { prompt, futures },
    result: () => Float32Array.of(weighted(futures)),
  };
}

/** Probabilities [S × C], in the order of the samples. */
export async function scoreSamples(
  decoder: Decoder,
  samples: SampleSource,
  rules: ScoringRules,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const all = new Float32Array(samples.size * rules.classes);
  for (let start = 0; start < samples.size; start += CHUNK) {
    const size = Math.min(CHUNK, samples.size - start);
    const scored = Array.from({ length: size }, (_, i) => begin(samples, start + i, rules));
    const jobs = scored.map(({ job }) => job);
    await generate(decoder, jobs, signal);
    for (const [i, { result }] of scored.entries()) all.set(result(), (start + i) * rules.classes);
  }
  return all;
}
