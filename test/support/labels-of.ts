/** A task's labels on timelines written by hand, in a form that reads well in a test. */
import type { Labels } from "../../core/label.ts";
import type { CohortStep, TaskDefinition, TaskOptions } from "../../core/task.ts";
import { formatInstant } from "../../core/time.ts";
import { loadLabels } from "../../harness/labels.ts";
import { type HandTimelines, handStore } from "./hand-store.ts";

/** `[visit, prediction time, positive classes]`. */
export type ReadableLabel = readonly [number, string, readonly number[]];

/** Positive class indices of one sample. */
export function positivesOf(labels: Labels, sample: number): number[] {
  const classes = labels.spec.classes.length;
  const row = labels.value.subarray(sample * classes, (sample + 1) * classes);
  return [...row.keys()].filter((c) => row[c] === 1);
}

export function readable(labels: Labels): ReadableLabel[] {
  return Array.from({ length: labels.size }, (_, i) => [
    labels.visit[i] ?? Number.NaN,
    formatInstant(labels.predictionTime[i] ?? Number.NaN),
    positivesOf(labels, i),
  ]);
}

export async function labelsOf(
  task: TaskDefinition,
  timelines: HandTimelines,
  options: TaskOptions = {},
): Promise<ReadableLabel[]> {
  const store = await handStore(timelines);
  try {
    return readable(await loadLabels(store, task, options));
  } finally {
    store.close();
  }
}

export async function cohortOf(
  task: TaskDefinition,
  timelines: HandTimelines,
): Promise<readonly CohortStep[]> {
  const store = await handStore(timelines);
  try {
    return await task.cohort(store, {});
  } finally {
    store.close();
  }
}
