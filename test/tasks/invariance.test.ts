/** What must not matter: the order of raw rows, and who else is in the data. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import type { EventStore } from "../../core/event-store.ts";
import type { Labels } from "../../core/label.ts";
import { Random } from "../../core/random.ts";
import { generateTwin } from "../../Dataset/synthetic/index.ts";
import { loadLabels } from "../../harness/labels.ts";
import { tasks } from "../../tasks/index.ts";
import { storeOf } from "../support/small-run.ts";

type Change = (rows: string[], file: string) => string[];

/** A copy of a root whose tables have other rows; headers stay first. */
function changed(from: string, to: string, change: Change): string {
  cpSync(from, to, { recursive: true });
  for (const file of readdirSync(to, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".csv.gz")) continue;
    const path = join(to, file);
    const [head = "", ...rows] = gunzipSync(readFileSync(path)).toString().trimEnd().split("\n");
    writeFileSync(path, gzipSync(`${[head, ...change(rows, file)].join("\n")}\n`));
  }
  return to;
}

async function allLabels(store: EventStore): Promise<Map<string, Labels>> {
  const all = new Map<string, Labels>();
  for (const task of tasks.all.filter((x) => x.datasets.includes("mimic4"))) {
    all.set(task.name, await loadLabels(store, task, {}));
  }
  return all;
}

const rowsOf = (labels: Labels, keep: (subject: number) => boolean) => {
  const width = labels.spec.classes.length;
  return Array.from({ length: labels.size }, (_, i) => [
    ...[labels.subject[i], labels.predictionTime[i], labels.visit[i], labels.split[i]],
    labels.value.subarray(i * width, (i + 1) * width).join(""),
  ]).filter(([subject]) => keep(Number(subject)));
};

t.test("shuffled rows give the same labels; other subjects move nobody", async (t) => {
  const dir = t.testdir();
  const root = join(dir, "twin");
  await generateTwin({ layout: "mimic4", subjects: 120, seed: 5, out: root });
  const random = Random.fromSeed(3).derive("order");
  const shuffled = changed(root, join(dir, "shuffled"), (rows) => random.shuffle(rows));
  const isEven = (row: string) => Number(row.split(",")[0]) % 2 === 0;
  const halved = changed(root, join(dir, "halved"), (rows, file) =>
    file.includes("d_icd") || file.includes("truth") ? rows : rows.filter(isEven),
  );
  const [whole, other, half] = await Promise.all(
    [root, shuffled, halved].map(async (folder) => {
      const store = await storeOf("mimic4", folder, `${folder}-store`);
      try {
        return await allLabels(store);
      } finally {
        store.close();
      }
    }),
  );
  if (whole === undefined || other === undefined || half === undefined) throw new Error("three");
  let samples = 0;
  for (const [name, labels] of whole) {
    const all = rowsOf(labels, () => true);
    const left = half.get(name);
    const same = other.get(name);
    if (left === undefined || same === undefined) throw new Error(name);
    t.same(
      rowsOf(same, () => true),
      all,
      `${name}: order of rows`,
    );
    t.same(
      rowsOf(left, () => true),
      rowsOf(labels, (subject) => subject % 2 === 0),
      `${name}: the other subjects are gone, and nobody's labels or split have moved`,
    );
    samples += all.length - left.size;
  }
  t.ok(samples > 100, "subjects were taken away");
});
