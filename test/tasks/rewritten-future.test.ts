/**
 * Whatever happens after a prediction time, the inputs of its sample are the same bit for bit: for every task
 * the raw files are rewritten after one label of each subject, and ingested anew.
 */
import { join } from "node:path";
import t from "tap";
import type { EventStore } from "../../core/event-store.ts";
import type { Labels } from "../../core/label.ts";
import { Random } from "../../core/random.ts";
import type { TaskDefinition } from "../../core/task.ts";
import { MICROS_PER_DAY } from "../../core/time.ts";
import { generateTwin } from "../../Dataset/synthetic/index.ts";
import { loadCodeTable } from "../../harness/code-table.ts";
import { loadLabels } from "../../harness/labels.ts";
import { SampleSet } from "../../harness/samples.ts";
import { loadTimelines } from "../../harness/timelines.ts";
import { tasks } from "../../tasks/index.ts";
import { mimic4Files, writeRoot } from "../Dataset/made-up-mimic.ts";
import { type Cut, readTables, rewriteFuture } from "../support/rewrite-future.ts";
import { storeOf } from "../support/small-run.ts";

const SUBJECTS = 60;

/** One label of each subject, taken at random. */
function onePerSubject(labels: Labels, random: Random): Labels {
  const bySubject = new Map<number, number[]>();
  for (const [i, subject] of labels.subject.entries()) {
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), i]);
  }
  const chosen = [...bySubject.values()].map((list) => list[random.below(list.length)] ?? 0);
  const width = labels.spec.classes.length;
  const pick = (column: Float64Array) => Float64Array.from(chosen, (i) => column[i] ?? Number.NaN);
  return {
    spec: labels.spec,
    size: chosen.length,
    subject: pick(labels.subject),
    predictionTime: pick(labels.predictionTime),
    visit: pick(labels.visit),
    split: Uint8Array.from(chosen, () => 0),
    value: Uint8Array.from(
      chosen.flatMap((i) => [...labels.value.subarray(i * width, (i + 1) * width)]),
    ),
  };
}

/** Everything that a model can read of each sample, codes by name. */
async function inputs(
  store: EventStore,
  labels: Labels,
  { history }: TaskDefinition,
): Promise<string[]> {
  const { code: names } = await loadCodeTable(store);
  const ids = Array.from(labels.subject, (id) => `(${id})`).join(", ");
  const timelines = await loadTimelines(
    store,
    `SELECT CAST(id AS BIGINT) AS subject_id FROM (VALUES ${ids}) AS ids(id)`,
  );
  const limit = { maxCodes: 1 << 20, repeats: "every" } as const;
  const source = new SampleSet(labels, timelines, history).source("train", limit);
  return Array.from({ length: source.size }, (_, i) => {
    const h = source.read(i);
    const { ageYears, sex, race } = source;
    return JSON.stringify({
      codes: Array.from(h.code, (row) => names[row]),
      kinds: [...h.kind],
      visits: [...h.visit],
      daysBefore: [...h.daysBefore],
      starts: [...h.visitStart],
      ends: [...h.visitEnd],
      person: [ageYears[i], sex[i], race[i]],
    });
  });
}

t.test("another future changes no input of any task", async (t) => {
  const dir = t.testdir();
  const root = join(dir, "twin");
  await generateTwin({ layout: "mimic4", subjects: SUBJECTS, seed: 11, out: root });
  const old = readTables(root);
  const random = Random.fromSeed(5).derive("future");
  // Somebody's first stay says nothing about race; a later one must not either.
  const stays = old["hosp/admissions"] ?? [];
  old["hosp/admissions"] = stays.map((row) => (random.below(2) === 0 ? { ...row, race: "" } : row));
  const original = writeRoot(join(dir, "original"), mimic4Files(old));
  const before = await storeOf("mimic4", original, dir);
  t.teardown(() => before.close());

  let [samples, otherLabels, seen] = [0, 0, 0];
  for (const task of tasks.all) {
    t.ok(task.datasets.includes("mimic4"), `${task.name} is tried here`);
    const labels = onePerSubject(await loadLabels(before, task, {}), random);
    const cuts = new Map<number, Cut>();
    for (const [i, subject] of labels.subject.entries()) {
      const time = (labels.predictionTime[i] ?? Number.NaN) / 1000;
      cuts.set(subject, { time, visit: labels.visit[i] ?? Number.NaN });
    }
    const made = rewriteFuture(old, cuts, task.history.hideIndexVisit, random);
    const other = writeRoot(join(dir, `other-${task.name}`), mimic4Files(made));
    const after = await storeOf("mimic4", other, dir);
    try {
      const [was, is] = [await inputs(before, labels, task), await inputs(after, labels, task)];
      const differs = was.findIndex((text, i) => text !== is[i]);
      if (differs >= 0) {
        const [a, b] = [was[differs], is[differs]].map((text) => JSON.parse(text ?? "{}"));
        const fields = Object.keys(a).filter(
          (key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]),
        );
        t.fail(`${task.name}, sample ${differs}: ${fields.join(", ")}`);
      }
      samples += was.length;

      // The rewriting is felt: labels are others, and so is what is seen later on.
      const again = await loadLabels(after, task, {});
      const answers = new Set(rows(again));
      otherLabels += rows(labels).filter((row) => !answers.has(row)).length;
      const later = {
        ...labels,
        predictionTime: labels.predictionTime.map((time) => time + 300 * MICROS_PER_DAY),
      };
      const [a, b] = [await inputs(before, later, task), await inputs(after, later, task)];
      seen += a.filter((text, i) => text !== b[i]).length;
    } finally {
      after.close();
    }
  }
  t.ok(samples > 150, `${samples} samples`);
  t.ok(otherLabels > samples / 4, `${otherLabels} labels are gone or others`);
  t.ok(seen > samples / 2, `${seen} samples differ 300 days later`);
});

function rows(labels: Labels): string[] {
  const width = labels.spec.classes.length;
  return Array.from({ length: labels.size }, (_, i) =>
    [
      ...[labels.subject[i], labels.predictionTime[i], labels.visit[i]],
      labels.value.subarray(i * width, (i + 1) * width).join(""),
    ].join(" "),
  );
}
