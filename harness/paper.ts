/**
 * What protocol `paper` does to labels, codes, splits and the choice of epochs, one function a flaw. Nothing
 * here runs under `strict`. What a model may see is decided in samples.ts, flaws included.
 */
import type { Labels } from "../core/label.ts";
import type { TuningScore } from "../core/model.ts";
import type { Flaws } from "../core/protocol.ts";
import type { Random } from "../core/random.ts";
import type { CodeTable } from "../core/tokenizer.ts";
import { bareCode, splitCode } from "../core/vocabulary/codes.ts";

/** Samples in a batch of the paper's code. */
export const PAPER_BATCH = 256;
/** Classes with fewer positives are dropped. */
const FEWEST_POSITIVES = 3;
/** Shares of train and tuning among ten. */
const [TRAIN_TENTHS, TUNING_TENTHS] = [8, 1] as const;

/** Flaws by which seeds of one run differ in more than the model. */
export function dependsOnSeed(flaws: Flaws): boolean {
  return (
    flaws.has("random-split") ||
    flaws.has("resampled-training") ||
    flaws.has("resampled-evaluation")
  );
}

/** `rare-classes-dropped`. */
export function dropRareClasses(labels: Labels): Labels {
  const { spec, value, size } = labels;
  const classes = spec.classes.length;
  const positives = new Uint32Array(classes);
  value.forEach((v, i) => {
    positives[i % classes] = (positives[i % classes] as number) + v;
  });
  const kept = [...positives.keys()].filter((c) => (positives[c] as number) >= FEWEST_POSITIVES);
  if (kept.length === classes || kept.length === 0) return labels;
  const left = new Uint8Array(size * kept.length);
  for (let row = 0; row < size; row++) {
    kept.forEach((c, k) => {
      left[row * kept.length + k] = value[row * classes + c] as number;
    });
  }
  const { classCodes } = spec;
  return {
    ...labels,
    spec: {
      ...spec,
      classes: kept.map((c) => spec.classes[c] as string),
      ...(classCodes && { classCodes: kept.map((c) => classCodes[c] as readonly string[]) }),
    },
    value: left,
  };
}

/** `bare-codes`: for each code the first row of the table with the same string, [codes]. */
export function bareCodeRows(codes: CodeTable): Int32Array {
  const first = new Map<string, number>();
  return Int32Array.from(codes.code, (code, row) => {
    const [vocabulary, rest] = splitCode(code);
    if (vocabulary === "" || /^[A-Z_]+$/.test(vocabulary)) {
      // Events that the loader writes, such as HOSPITAL_ADMISSION/URGENT, are no codes of a vocabulary.
      if (!/^(ATC|NDC|SNOMED|LOINC|HCPCS|DRUG)$/.test(vocabulary)) return row;
    }
    const bare = bareCode(rest);
    const earlier = first.get(bare);
    if (earlier === undefined) first.set(bare, row);
    return earlier ?? row;
  });
}

/** `random-split`: subjects of the cohort in random order, 80/10/10. @returns split of each sample, [S] */
export function randomSplit({ subject }: Labels, random: Random): Uint8Array {
  const subjects = random.shuffle([...new Set(subject)]);
  const bound = (tenths: number) => Math.floor((subjects.length * tenths) / 10);
  const splitOf = new Map(
    subjects.map((id, i) => [
      id,
      i < bound(TRAIN_TENTHS) ? 0 : i < bound(TRAIN_TENTHS + TUNING_TENTHS) ? 1 : 2,
    ]),
  );
  return Uint8Array.from(subject, (id) => splitOf.get(id) as number);
}

/**
 * `resampled-training`, `resampled-evaluation`: as many draws with replacement as there are samples, less the
 * last partial batch; each class as likely as any other where classes exclude each other.
 */
export function resample(labels: Labels, samples: Int32Array, random: Random): Int32Array {
  const { spec, value } = labels;
  const classes = spec.classes.length;
  const groups = new Map<number, number[]>();
  for (const sample of samples) {
    const row = value.subarray(sample * classes, (sample + 1) * classes);
    const group = spec.kind === "multilabel" ? 0 : row.indexOf(1);
    const list = groups.get(group);
    if (list === undefined) groups.set(group, [sample]);
    else list.push(sample);
  }
  const lists = [...groups].sort(([a], [b]) => a - b).map(([, list]) => list);
  const whole = samples.length - (samples.length % PAPER_BATCH);
  return Int32Array.from({ length: whole === 0 ? samples.length : whole }, () => {
    const list = lists[random.below(lists.length)] as number[];
    return list[random.below(list.length)] as number;
  });
}

/** `second-softmax`: probabilities as validation sees them, row-major [S × C]. */
export function softmaxAgain(probabilities: Float32Array, classes: number): Float32Array {
  const out = new Float32Array(probabilities.length);
  for (let i = 0; i < out.length; i += classes) {
    // A binary score is one of two that sum to 1.
    const row = probabilities.subarray(i, i + classes);
    const all = classes === 1 ? [row[0] as number, 1 - (row[0] as number)] : [...row];
    const total = all.reduce((sum, p) => sum + Math.exp(p), 0);
    for (let c = 0; c < classes; c++) out[i + c] = Math.exp(all[c] as number) / total;
  }
  return out;
}

/** How epochs are compared under flaws; `score` is how they should be. */
export function flawedScore(
  flaws: Flaws,
  classes: number,
  score: (probabilities: Float32Array) => TuningScore,
): (probabilities: Float32Array) => TuningScore {
  let epochs = 0;
  return (probabilities) => {
    const seen = flaws.has("second-softmax") ? softmaxAgain(probabilities, classes) : probabilities;
    const found = score(seen);
    epochs++;
    // The later the better: no epoch is kept but the last, and no patience ends the training.
    return flaws.has("last-epoch") ? { ...found, value: epochs } : found;
  };
}

/** `unstable-demographics`: numbers from 1 in order of first appearance; 0 stays unknown. */
export function byAppearance(ids: Uint8Array): Uint8Array {
  const seen = new Map<number, number>([[0, 0]]);
  return ids.map((id) => {
    const known = seen.get(id) ?? seen.size;
    seen.set(id, known);
    return known;
  });
}
