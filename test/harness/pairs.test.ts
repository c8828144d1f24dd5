/** Every task runs with the models that do it, on twins and demos, with settings so small that it says nothing of scores. */
import { join } from "node:path";
import t from "tap";
import type { ModelDefinition } from "../../core/model.ts";
import type { TaskDefinition } from "../../core/task.ts";
import { models } from "../../ehr-models/index.ts";
import { makeLeaderboard } from "../../harness/leaderboard.ts";
import { refusal } from "../../harness/pairing.ts";
import { readRecords } from "../../harness/record.ts";
import { runSeeds } from "../../harness/run.ts";
import { tasks } from "../../tasks/index.ts";
import { tokenizers } from "../../tokenizers/index.ts";
import { demoRoot } from "../support/demo-data.ts";
import { silent, smallPlan, storeOf, twinStore } from "../support/small-run.ts";

/** The four stores, among which the pairs of task and model are dealt out, so that each runs once. */
const STORES = ["mimic3 twin", "mimic4 twin", "mimic3 demo", "mimic4 demo"];

/** Whether a pair makes sense. */
const isDone = (task: TaskDefinition, model: ModelDefinition): boolean =>
  refusal(model, task, {}, tokenizers.get("baseline")) === null;

/**
 * The pairs that run: every model on every third task, in turns, so that each task meets models of each kind
 * and each model questions of each kind; the one task of exclusive classes, and models that do few tasks, whole.
 */
const PAIRS = tasks.all.flatMap((task, i) =>
  models.all.flatMap((model, j) => {
    const isWhole =
      task.labelSpec.kind === "multiclass" ||
      tasks.all.filter((other) => isDone(other, model)).length <= 3;
    const isItsTurn = isWhole || (i + j) % 3 === 0;
    return isItsTurn && isDone(task, model) ? [{ task, model }] : [];
  }),
);

/** Names of the pairs of one store: the n-th that it can serve of those dealt to it in turn. */
function pairsOn(dataset: string, source: "twin" | "demo"): [string, string][] {
  const place = STORES.indexOf(`${dataset} ${source}`);
  const isHere = ({ task }: (typeof PAIRS)[number], n: number) =>
    task.datasets.includes(dataset) && n % STORES.length === place;
  return PAIRS.filter(isHere).map(({ task, model }) => [task.name, model.name]);
}

t.test("every task runs with several models, and every model answers each kind of label", (t) => {
  for (const task of tasks.all)
    t.ok(PAIRS.filter((pair) => pair.task === task).length >= 2, task.name);
  for (const model of models.all) {
    const kindsOf = (some: readonly TaskDefinition[]) =>
      [...new Set(some.map(({ labelSpec }) => labelSpec.kind))].sort();
    const ran = PAIRS.filter((pair) => pair.model === model).map(({ task }) => task);
    t.same(kindsOf(ran), kindsOf(tasks.all.filter((task) => isDone(task, model))), model.name);
  }
  const ran = STORES.flatMap((store) => {
    const [dataset, source] = store.split(" ") as [string, "twin" | "demo"];
    return pairsOn(dataset, source);
  });
  t.equal(ran.length, PAIRS.length, "each pair runs on one store");
  t.end();
});

for (const layout of ["mimic3", "mimic4"] as const) {
  t.test(`tasks run on the twin of ${layout} with the models that do them`, async (t) => {
    const dir = t.testdir({});
    const store = await twinStore(layout, 250, dir);
    t.teardown(() => store.close());
    const pairs = pairsOn(layout, "twin");
    for (const [task, model] of pairs) {
      const [record] = await runSeeds(store, smallPlan(task, model, dir), silent);
      t.equal(record?.data.source, "synthetic");
      t.ok(record?.spec.synthetic?.subjects === 250);
      const { value, reason } = record?.metrics.auprc ?? {};
      // Of rare diseases so few made-up subjects have no case to be scored.
      const held = record?.cohort.splits.held_out.classes ?? [];
      if (held.some(({ positives }) => positives !== 0))
        t.type(value, "number", `${task} ${model}`);
      else t.match(reason, /no positives|every class/, `${task} ${model}`);
    }
    const records = await readRecords(join(dir, "results", "runs"));
    t.equal(records.length, pairs.length);
    const board = makeLeaderboard(records);
    t.equal(board.groups.length, new Set(pairs.map(([task]) => task)).size, "one group a task");
    t.equal(board.left_out.length, 0);
  });
}

for (const [dataset, folder] of [
  ["mimic3", "mimic-iii-demo-1.4"],
  ["mimic4", "mimic-iv-demo-2.2"],
] as const) {
  const root = demoRoot(folder);
  const skip = root === undefined ? `the open demo ${folder} is not here` : false;
  t.test(
    `tasks run on the ${dataset} demo with models that do them, not pretrained`,
    { skip },
    async (t) => {
      if (root === undefined) return;
      const dir = t.testdir({});
      const store = await storeOf(dataset, root, dir);
      t.teardown(() => store.close());
      const pairs = pairsOn(dataset, "demo");
      for (const [task, model] of pairs) {
        const plan = smallPlan(task, model, dir, { pretrainEpochs: 0 });
        const [record] = await runSeeds(store, plan, silent);
        t.equal(record?.data.source, "demo");
        const { value, reason } = record?.metrics.auprc ?? {};
        t.ok(typeof value === "number" || typeof reason === "string", `${task} ${model}`);
      }
      t.equal((await readRecords(join(dir, "results", "runs"))).length, pairs.length);
    },
  );
}
