/** Fits of ETHOS on planted records, small and without regularisation. */
import type { FitContext, Hyperparameters } from "../../core/model.ts";
import type { SampleSource } from "../../core/samples.ts";
import type { Outcome } from "../../core/task.ts";
import { ethos } from "../../ehr-models/ethos.ts";
import {
  DIED,
  PLANTED_CODES,
  type PlantedSubject,
  plantedTokenizer,
  sampleAt,
} from "./planted-records.ts";
import { contextOf, type MadeSample, sourceOf } from "./samples.ts";

export const SMALL: Hyperparameters = {
  width: 32,
  heads: 2,
  layers: 1,
  feedForward: 64,
  dropout: 0,
  batchSize: 32,
  learningRate: 1e-2,
  weightDecay: 0,
  context: 64,
  newTokens: 24,
  leastSubjects: 1,
  averaging: 0,
};

export const atDischarge = (
  subjects: readonly PlantedSubject[],
  labelOf: (s: PlantedSubject) => boolean,
) => subjects.map((s) => sampleAt(s.record, s.firstDischarge, Number(labelOf(s))));
export const source = (samples: readonly MadeSample[]) => sourceOf(samples, DIED);

export function context(
  train: SampleSource,
  timelines: SampleSource,
  outcome: Outcome,
  more: Partial<Parameters<typeof contextOf>[0]> = {},
): FitContext {
  const options = { train, timelines, outcome, tokenizer: plantedTokenizer(), epochs: 15, ...more };
  return { ...contextOf(options), codes: PLANTED_CODES };
}

export async function predictions(
  context: FitContext,
  settings: Hyperparameters,
  samples: SampleSource,
): Promise<Float32Array> {
  const model = await ethos.fit(context, { ...SMALL, ...settings });
  try {
    return await model.predict(samples);
  } finally {
    await model.dispose();
  }
}
