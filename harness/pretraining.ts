/** Whole timelines of training subjects as samples without labels, for models that pretrain. */
import type { EventStore } from "../core/event-store.ts";
import type { HistoryLimit, SampleSource } from "../core/samples.ts";
import { loadLabels } from "./labels.ts";
import { type RaceVocabulary, SampleSet, SplitSource } from "./samples.ts";
import { loadTimelines } from "./timelines.ts";

/** One row a training subject, at the last thing recorded of it; its value says nothing. */
const WHOLE_RECORDS = `SELECT subject_id, max(time) AS prediction_time, NULL::BIGINT AS visit_id, false AS value
FROM events JOIN splits USING (subject_id)
WHERE time IS NOT NULL AND split = 'train'
GROUP BY subject_id`;

/**
 * One sample a training subject, in or out of the task's cohort, with everything ever recorded of it and
 * nothing hidden. Loaded at the first call, so that runs without pretraining pay nothing.
 */
export function wholeTimelines(
  store: EventStore,
  races: RaceVocabulary,
  isTraining: (subject: number) => boolean = () => true,
): (limit: HistoryLimit) => Promise<SampleSource> {
  let loaded: Promise<SampleSet> | undefined;
  const load = async (): Promise<SampleSet> => {
    const source = {
      name: "pretraining",
      version: 1,
      labelSpec: { kind: "binary", classes: ["none"] },
      labels: () => WHOLE_RECORDS,
    } as const;
    const labels = await loadLabels(store, source, {});
    const timelines = await loadTimelines(store, WHOLE_RECORDS);
    return new SampleSet(labels, timelines, { hideIndexVisit: [] }, races);
  };
  return async (limit) => {
    loaded ??= load();
    const set = await loaded;
    const samples = set
      .samplesOf("train")
      .filter((i) => isTraining(set.labels.subject[i] as number));
    return new SplitSource(set, samples, limit);
  };
}
