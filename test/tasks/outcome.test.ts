/** A task's outcome, looked up in what really happened next, is its label: on the demos and on a twin. */
import t, { type Test } from "tap";
import type { EventStore } from "../../core/event-store.ts";
import type { Outcome, TaskDefinition } from "../../core/task.ts";
import { MICROS_PER_DAY } from "../../core/time.ts";
import { loadLabels } from "../../harness/labels.ts";
import { tasks } from "../../tasks/index.ts";
import { demoRoot } from "../support/demo-data.ts";
import { storeOf, twinStore } from "../support/small-run.ts";

interface Event {
  readonly time: number;
  readonly code: string;
}

const isAmong = (code: string, patterns: readonly string[]) =>
  patterns.some((p) => (p.endsWith("*") ? code.startsWith(p.slice(0, -1)) : code === p));

/** Classes that the future makes positive; undefined where the future gives no answer. */
function answer(future: readonly Event[], now: number, outcome: Outcome): number[] | undefined {
  const { classes, given, until, withinDays } = outcome;
  const horizon =
    withinDays === null ? Number.POSITIVE_INFINITY : now + withinDays * MICROS_PER_DAY;
  const found = new Set<number>();
  let isAsked = given === undefined;
  for (const { time, code } of future) {
    if (time > horizon) break;
    if (!isAsked) {
      isAsked = isAmong(code, given ?? []);
      continue;
    }
    for (const [c, codes] of classes.entries()) if (isAmong(code, codes)) found.add(c);
    if (isAmong(code, until)) break;
  }
  return isAsked ? [...found].sort() : undefined;
}

async function eventsBySubject(store: EventStore): Promise<Map<number, Event[]>> {
  const rows = await store.query(
    "SELECT subject_id, time, code FROM events WHERE time IS NOT NULL ORDER BY subject_id, time",
  );
  const [subjects, times, codes] = [
    rows.numbers("subject_id"),
    rows.numbers("time"),
    rows.strings("code"),
  ];
  const all = new Map<number, Event[]>();
  for (let i = 0; i < rows.rowCount; i++) {
    const subject = subjects[i] ?? Number.NaN;
    const list = all.get(subject) ?? [];
    list.push({ time: times[i] ?? Number.NaN, code: codes[i] ?? "" });
    all.set(subject, list);
  }
  return all;
}

/** Labels that disagree with the future, and how many there are of each value. */
async function compare(store: EventStore, task: TaskDefinition, outcome: Outcome) {
  const labels = await loadLabels(store, task, {});
  const events = await eventsBySubject(store);
  const wrong: unknown[] = [];
  let positives = 0;
  for (let i = 0; i < labels.size; i++) {
    const now = labels.predictionTime[i] ?? Number.NaN;
    const subject = labels.subject[i] ?? Number.NaN;
    const future = (events.get(subject) ?? []).filter((event) => event.time > now);
    const label = labels.value[i] === 1 ? [0] : [];
    positives += label.length;
    const said = answer(future, now, outcome);
    if (String(said) !== String(label) || said === undefined) wrong.push({ subject, label, said });
  }
  return { wrong, positives, size: labels.size };
}

const FROM_EVENTS = ["mortality", "mortality-48h", "readmission"];

async function compareAll(t: Test, store: EventStore): Promise<void> {
  for (const name of FROM_EVENTS) {
    const task = tasks.get(name);
    const outcome = task.outcome?.({});
    if (outcome == null) throw new Error(`${name} has no outcome`);
    const { wrong, positives, size } = await compare(store, task, outcome);
    t.same(wrong, [], `${name}: ${size} labels`);
    t.ok(positives > 0 && positives < size, `${name}: ${positives} positives`);
  }
}

const DEMOS = [
  ["mimic3", "mimic-iii-demo-1.4"],
  ["mimic4", "mimic-iv-demo-2.2"],
] as const;

for (const [dataset, folder] of DEMOS) {
  const root = demoRoot(folder);
  const skip = root === undefined && `../shared/data/${folder} is not here`;
  t.test(`what happened next is the label on the ${dataset} demo`, { skip }, async (t) => {
    const store = await storeOf(dataset, root ?? "", t.testdir());
    t.teardown(() => store.close());
    await compareAll(t, store);
  });
}

t.test("what happened next is the label on a twin", async (t) => {
  const store = await twinStore("mimic4", 300, t.testdir());
  t.teardown(() => store.close());
  await compareAll(t, store);
});

t.test(
  "an outcome has a list of codes for each class, and none where nothing is waited for",
  (t) => {
    for (const task of tasks.all) {
      const outcome = task.outcome?.({});
      if (outcome == null) continue;
      t.equal(outcome.classes.length, task.labelSpec.classes.length, task.name);
      t.ok(outcome.classes.every((codes) => codes.length > 0));
    }
    for (const name of ["los", "phenotype"]) t.equal(tasks.get(name).outcome?.({}) ?? null, null);
    t.equal(tasks.get("readmission").outcome?.({ windowDays: 30 })?.withinDays, 30);
    t.end();
  },
);
