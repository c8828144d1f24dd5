/** Made-up subjects in memory, with a planted signal, for tests of models: no store, no files. */
import type { LabelSpec } from "../../core/label.ts";
import type { FitContext, TuningScore } from "../../core/model.ts";
import { Random } from "../../core/random.ts";
import type { History, SampleSource } from "../../core/samples.ts";
import type { Outcome } from "../../core/task.ts";
import type { CodeTable, Tokenizer } from "../../core/tokenizer.ts";

export interface MadeSample {
  readonly history: History;
  readonly label: Uint8Array;
  readonly ageYears: number;
  readonly sex: number;
  readonly race: number;
}

export const LABELS: Readonly<Record<"binary" | "multiclass" | "multilabel", LabelSpec>> = {
  binary: { kind: "binary", classes: ["ill"] },
  multiclass: { kind: "multiclass", classes: ["none", "first", "second"] },
  // Named as drugs too, so that models of drugs take it; the signal codes are none of these.
  multilabel: {
    kind: "multilabel",
    classes: ["first", "second", "third"],
    classCodes: [["ATC/A01A*"], ["ATC/A02A*"], ["ATC/A03A*"]],
  },
};

/** Rows of the made-up code table. */
export const CODE_COUNT = 60;
const DRUG = 3;
/** Codes that carry the label; the others are noise. */
const SIGNAL = 3;

/** Diagnoses and procedures carry the signal; the noise goes round among them and drugs. */
function kindOf(code: number): number {
  return code < SIGNAL ? 1 + (code % 2) : 1 + (code % 3);
}

/** The made-up code table; its drugs belong to the classes of the multilabel label in turn. */
export function codeTable(): CodeTable {
  const rows = Array.from({ length: CODE_COUNT }, (_, row) => row);
  return {
    size: CODE_COUNT,
    code: rows.map((row) =>
      kindOf(row) === DRUG
        ? `ATC/A0${1 + (Math.floor(row / 3) % 3)}AA${String(row).padStart(2, "0")}`
        : `CODE/${String(row).padStart(3, "0")}`,
    ),
    description: rows.map(() => null),
    kind: Uint8Array.from(rows, kindOf),
    parents: rows.map(() => []),
  };
}

/** A tokenizer with one learned vector per code. */
export function learnedTokenizer(): Tokenizer {
  return {
    name: "made-up",
    vocabularySize: CODE_COUNT + 2,
    unit: Int32Array.from({ length: CODE_COUNT }, (_, row) => row + 2),
    representation: { kind: "learned" },
    artefactHash: "made-up",
  };
}

/** A tokenizer with given vectors of 8 numbers, which does not know the last five codes. */
export function vectorTokenizer(trainable: boolean): Tokenizer {
  const random = Random.fromSeed(5).derive("vectors");
  const width = 8;
  const values = Float32Array.from({ length: (CODE_COUNT + 2) * width }, () => random.normal());
  values.fill(0, 0, 2 * width);
  const unit = learnedTokenizer().unit.fill(1, CODE_COUNT - 5);
  return {
    ...learnedTokenizer(),
    unit,
    representation: { kind: "vectors", values, width, trainable },
  };
}

function labelOf(present: readonly boolean[], spec: LabelSpec): Uint8Array {
  const flags = Uint8Array.from(present, Number);
  if (spec.kind !== "multiclass") return flags.subarray(0, spec.classes.length);
  const chosen = flags[0] === 1 ? 1 : flags[1] === 1 ? 2 : 0;
  return Uint8Array.from(spec.classes, (_, c) => (c === chosen ? 1 : 0));
}

function makeHistory(random: Random, present: readonly boolean[], noise: number): History {
  const visitCount = 1 + random.below(4);
  const gap = 30 + random.below(300);
  const visitStart = Float32Array.from({ length: visitCount }, (_, t) => (visitCount - t) * gap);
  const visitEnd = visitStart.map((start) => start - 3.25);
  if (random.below(2) === 0) visitEnd[visitCount - 1] = Number.NaN;
  const rows: { visit: number; code: number }[] = [];
  for (const [code, isThere] of present.entries())
    if (isThere) rows.push({ visit: random.below(visitCount), code });
  const count = 1 + random.below(noise);
  for (let i = 0; i < count; i++)
    rows.push({
      visit: random.below(visitCount),
      code: SIGNAL + random.below(CODE_COUNT - SIGNAL),
    });
  rows.sort((a, b) => a.visit - b.visit || a.code - b.code);
  return {
    length: rows.length,
    code: Int32Array.from(rows, ({ code }) => code),
    kind: Uint8Array.from(rows, ({ code }) => kindOf(code)),
    visit: Int32Array.from(rows, ({ visit }) => visit),
    daysBefore: Float32Array.from(rows, ({ visit }) => (visitStart[visit] as number) - 1),
    visitCount,
    visitStart,
    visitEnd,
  };
}

/** `size` subjects; class k is positive exactly when signal code k is in the history. */
export function makeSamples(size: number, spec: LabelSpec, seed = 1, noise = 12): MadeSample[] {
  const root = Random.fromSeed(seed);
  return Array.from({ length: size }, (_, i) => {
    const random = root.derive(i);
    const present = Array.from({ length: SIGNAL }, () => random.uniform() < 0.4);
    return {
      history: makeHistory(random, present, noise),
      label: labelOf(present, spec),
      ageYears: i % 11 === 10 ? Number.NaN : 20 + random.below(70),
      sex: random.below(3),
      race: random.below(4),
    };
  });
}

/** A source over samples, in their order. */
export function sourceOf(samples: readonly MadeSample[], labelSpec: LabelSpec): SampleSource {
  const at = (i: number): MadeSample => {
    const sample = samples[i];
    if (sample === undefined) throw new Error(`no sample ${i} of ${samples.length}`);
    return sample;
  };
  return {
    size: samples.length,
    labelSpec,
    lengthOf: (i) => at(i).history.length,
    read: (i) => at(i).history,
    label: (i) => at(i).label,
    ageYears: Float32Array.from(samples, ({ ageYears }) => ageYears),
    sex: Uint8Array.from(samples, ({ sex }) => sex),
    race: Uint8Array.from(samples, ({ race }) => race),
    raceCount: 4,
  };
}

/** Average precision without ties, over all columns at once; -1 where nothing is positive. */
export function averagePrecision(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  const order = Array.from({ length: scores.length }, (_, i) => i);
  order.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  let hits = 0;
  let sum = 0;
  for (const [rank, i] of order.entries()) {
    if (labels[i] !== 1) continue;
    hits += 1;
    sum += hits / (rank + 1);
  }
  return hits === 0 ? -1 : sum / hits;
}

/** All labels of a source, row-major. */
export function labelsOf(source: SampleSource): Uint8Array {
  const C = source.labelSpec.classes.length;
  const all = new Uint8Array(source.size * C);
  for (let i = 0; i < source.size; i++) all.set(source.label(i), i * C);
  return all;
}

export interface ContextOptions {
  readonly train: SampleSource;
  readonly tuning?: SampleSource;
  readonly tokenizer?: Tokenizer;
  readonly epochs?: number;
  readonly patience?: number;
  readonly pretrainEpochs?: number;
  readonly outcome?: Outcome;
  /** Whole timelines for pretraining; the training samples when left out. */
  readonly timelines?: SampleSource;
  readonly files?: FitContext["files"];
  readonly seed?: number;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly report?: FitContext["report"];
}

/** A context that scores by average precision on the tuning split (the training split when none is given). */
export function contextOf(options: ContextOptions): FitContext {
  const tuning = options.tuning ?? options.train;
  const truth = labelsOf(tuning);
  const score = (probabilities: Float32Array): TuningScore => ({
    value: averagePrecision(probabilities, truth),
    name: "auprc",
  });
  return {
    train: options.train,
    tuning,
    labels: options.train.labelSpec,
    tokenizer: options.tokenizer ?? learnedTokenizer(),
    outcome: options.outcome ?? null,
    codes: codeTable(),
    timelines: () => Promise.resolve(options.timelines ?? options.train),
    files: options.files ?? {},
    training: {
      epochs: options.epochs ?? 5,
      patience: options.patience ?? options.epochs ?? 5,
      pretrainEpochs: options.pretrainEpochs ?? null,
    },
    random: Random.fromSeed(options.seed ?? 0),
    threads: options.threads ?? 1,
    score,
    report: options.report ?? (() => {}),
    signal: options.signal ?? new AbortController().signal,
  };
}

/** A sample whose visits start nobody knows when, so that no age of theirs is known; then as if older, of another sex, and race. */
export function otherFacts(base: MadeSample): [MadeSample, MadeSample, MadeSample, MadeSample] {
  const { history } = base;
  const visitStart = history.visitStart.map(() => Number.NaN);
  const blank = { ...base, history: { ...history, visitStart }, ageYears: 40, sex: 1, race: 1 };
  return [blank, { ...blank, ageYears: 80 }, { ...blank, sex: 2 }, { ...blank, race: 2 }];
}
