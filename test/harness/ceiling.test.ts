/** The ceiling of drug tasks: its probabilities are true, nothing ranks better, and it says where it is not known. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { EventStore } from "../../core/event-store.ts";
import { Random } from "../../core/random.ts";
import type { TaskOptions } from "../../core/task.ts";
import { datasets } from "../../Dataset/index.ts";
import { ingest } from "../../Dataset/ingest.ts";
import { openStore } from "../../Dataset/store.ts";
import { generateTwin } from "../../Dataset/synthetic/index.ts";
import { type OrderTruth, readOrderTruth, riskOfClass } from "../../harness/order-truth.ts";
import { runSeeds } from "../../harness/run.ts";
import { runSummary } from "../../harness/run-summary.ts";
import { evaluate, macroBestPossible } from "../../metrics/index.ts";
import { tasks } from "../../tasks/index.ts";
import { silent, smallPlan, storeOf, twinStore } from "../support/small-run.ts";

interface Sampled {
  readonly labels: Uint8Array; // [S × C]
  readonly classes: readonly string[];
  readonly visits: Float64Array; // [S]
  readonly truth: OrderTruth;
}

async function sampled(store: EventStore, name: string, options: TaskOptions): Promise<Sampled> {
  const task = tasks.get(name);
  const { classes } = task.labelSpecOf?.(options) ?? task.labelSpec;
  const rows = await store.query(
    `SELECT visit_id, value FROM (${task.labels(options)}) ORDER BY visit_id`,
  );
  const visits = Float64Array.from(rows.numbers("visit_id"));
  const labels = new Uint8Array(visits.length * classes.length);
  for (const [s, positive] of rows.values("value").entries()) {
    for (const c of positive as number[]) labels[s * classes.length + c] = 1;
  }
  const truth = await readOrderTruth(store, task.trueOrders?.(options) ?? "", visits);
  return { labels, classes, visits, truth };
}

/** Per class, sum over samples of label and of probability, and the deviation of their difference. */
function calibrated(t: Test, { labels, classes, visits, truth }: Sampled): void {
  const squares: number[] = [];
  for (const [c, name] of classes.entries()) {
    const p = riskOfClass(truth, c);
    let [stated, variance, found] = [0, 0, 0];
    for (let s = 0; s < visits.length; s++) {
      const [risk, label] = [p[s] as number, labels[s * classes.length + c] as number];
      stated += risk;
      variance += risk * (1 - risk);
      found += label;
      if (risk === 0 && label === 1) t.fail(`${name} came about with probability 0`);
    }
    if (variance === 0) continue;
    const z = (found - stated) / Math.sqrt(variance + 1);
    t.ok(Math.abs(z) < 4, `${name}: stated ${stated.toFixed(1)}, found ${found}`);
    squares.push(z * z);
  }
  const mean = squares.reduce((a, b) => a + b, 0) / squares.length;
  t.ok(mean < 1 + 4 * Math.sqrt(2 / squares.length), `mean square of deviations ${mean}`);
}

const ASKED: readonly (readonly [string, TaskOptions])[] = [
  ["drugrec-atc", { level: 4 }],
  ["drugrec", {}],
];

const shared = t.testdir({});
const mimic4 = await twinStore("mimic4", 250, shared);
const mimic3 = await twinStore("mimic3", 250, shared);
t.teardown(() => {
  mimic4.close();
  mimic3.close();
});

for (const [layout, store] of Object.entries({ mimic3, mimic4 })) {
  t.test(
    `${layout}: labels follow the stated probabilities, and no ranking beats them`,
    async (t) => {
      for (const [name, options] of ASKED) {
        const found = await sampled(store, name, options);
        calibrated(t, found);
        const { labels, classes, truth } = found;
        const score = (riskOf: (c: number) => Float64Array) =>
          macroBestPossible(labels, classes.length, riskOf, null).auprc as number;
        const best = score((c) => riskOfClass(truth, c));
        const random = Random.fromSeed(1);
        const permuted = score((c) => random.shuffle(riskOfClass(truth, c)));
        const blurred = score((c) =>
          riskOfClass(truth, c).map((p) => (p === 0 ? 0 : p ** Math.exp(random.normal()))),
        );
        t.ok(permuted < blurred && blurred < best, `${name}: ${permuted} < ${blurred} < ${best}`);
      }
    },
  );
}

/** All ways in which three independent drugs can come about, each a list of alternatives with probabilities. */
function allCases(
  drugs: readonly (readonly (readonly [string, number])[])[],
): [string[], number][] {
  const [first, ...rest] = drugs;
  if (first === undefined) return [[[], 1]];
  return first.flatMap(([what, p]) =>
    allCases(rest).map(([others, q]): [string[], number] => [[what, ...others], p * q]),
  );
}

t.test("a class of several drugs and of one product of a drug, by going through all cases", (t) => {
  const p = [0.3, 0.05, 0.4];
  const any = 1 - 0.7 * 0.95 * 0.6;
  const one = (x: number) => Float64Array.of(x);
  const truth: OrderTruth = {
    drugsOf: new Map([
      [0, [{ drug: 0, part: "all" } as const, { drug: 2, part: "first" } as const]],
      [1, [{ drug: 2, part: "second" } as const]],
      [2, [{ drug: 1, part: "all" } as const, { drug: 2, part: "all" } as const]],
    ]),
    chances: new Map(p.map((x, drug) => [drug, Float32Array.of(x)])),
    anyOrder: one(any),
    first: one(1 - 0.2),
    second: one(1 - 0.45),
  };
  const all = allCases([
    [
      ["a", 0.3],
      ["", 0.7],
    ],
    [
      ["b", 0.05],
      ["", 0.95],
    ],
    [
      ["second", 0.4 * 0.2],
      ["first", 0.4 * 0.45],
      ["first second", 0.4 * (1 - 0.2 - 0.45)],
      ["", 0.6],
    ],
  ]);
  const probability = (pattern: RegExp) =>
    all.reduce((sum, [what, q]) => (pattern.test(what.join(" ")) ? sum + q : sum), 0);
  for (const [c, positive] of [/a|first/, /second/, /b|first|second/].entries()) {
    const wanted = probability(positive) / probability(/[a-z]/);
    const found = riskOfClass(truth, c)[0] as number;
    t.ok(Math.abs(found - wanted) < 1e-7, `class ${c}: ${found}, all cases ${wanted}`);
  }
  t.equal(riskOfClass(truth, 3)[0], 0, "a class that no drug belongs to");
  t.end();
});

t.test(
  "a record of a drug task states its ceiling; the truth itself would reach all of it",
  async (t) => {
    const dir = t.testdir({});
    const store = mimic4;
    const plan = smallPlan("drugrec", "logistic", dir);
    const [record] = await runSeeds(store, plan, silent);
    const best = record?.best_possible;
    const { auprc } = record?.metrics ?? {};
    const chance = auprc?.prevalence as number;
    t.ok((best?.auprc ?? 0) > (auprc?.value ?? 1), "the model is below it");
    const share = ((auprc?.value as number) - chance) / ((best?.auprc as number) - chance);
    t.ok(
      Math.abs((best?.reached as number) - share) < 1e-12,
      "above the prevalence of the same classes",
    );
    t.match(
      runSummary(record === undefined ? [] : [record], dir),
      /best possible AUPRC on these samples: 0\.\d+; reached/,
    );

    const { labels, classes, visits, truth } = await sampled(store, "drugrec-atc", {});
    const probabilities = new Float64Array(labels.length);
    for (const c of classes.keys()) {
      for (const [s, p] of riskOfClass(truth, c).entries())
        probabilities[s * classes.length + c] = p;
    }
    const spec = { kind: "multilabel", classes } as const;
    const thresholds = classes.map(() => null);
    const random = Random.fromSeed(0);
    const own = evaluate({
      spec,
      labels,
      probabilities,
      subjects: visits,
      thresholds,
      random,
      draws: 1,
    });
    const all = macroBestPossible(
      labels,
      classes.length,
      (c) => riskOfClass(truth, c),
      own.auprc.value,
    );
    t.ok(
      Math.abs((all.auprc ?? 0) - (own.auprc.value ?? 1)) < 1e-12,
      "of the classes that macro averages",
    );
    t.equal(all.reached, 1);
  },
);

t.test(
  "an older twin is read as before and states no ceiling; half of the new files is refused",
  async (t) => {
    const dir = t.testdir({});
    const root = join(dir, "twin");
    await generateTwin({ layout: "mimic4", subjects: 150, seed: 3, out: root });
    const whole = await storeOf("mimic4", root, dir);
    whole.close();
    rmSync(join(root, "truth_products.csv.gz"));
    await t.rejects(storeOf("mimic4", root, dir), {
      message: /truth_products\.csv\.gz is missing/,
    });
    rmSync(join(root, "truth_orders.csv.gz"));
    const store = await storeOf("mimic4", root, dir);
    t.teardown(() => store.close());
    t.not(store.folder, whole.folder, "another store");
    t.equal(store.info.fingerprint, whole.info.fingerprint, "of the same data");
    const [record] = await runSeeds(store, smallPlan("drugrec", "logistic", dir), silent);
    t.match(record?.best_possible, {
      auprc: null,
      reached: null,
      reason: /no probabilities of drug/,
    });
    t.match(
      runSummary(record === undefined ? [] : [record], dir),
      /no best possible AUPRC: the twin states/,
    );
  },
);

t.test(
  "a map by NDC that splits a drug's orders takes the ceiling away, another map does not",
  async (t) => {
    const dir = t.testdir({});
    const root = join(dir, "twin");
    await generateTwin({ layout: "mimic4", subjects: 30, seed: 3, out: root });
    const withMap = async (name: string, text: string) => {
      const file = join(dir, `${name}.csv`);
      writeFileSync(file, text);
      const map = name === "ndc" ? { ndcMap: file } : { drugMap: file };
      const { folder } = await ingest(datasets.get("mimic4"), {
        root,
        cacheDir: join(dir, "cache"),
        ...map,
      });
      const store = await openStore(folder);
      t.teardown(() => store.close());
      return store;
    };
    const split = await withMap("ndc", "ndc,atc_code\n00338304538,J01XA02\n");
    t.equal(split.info.true_orders, undefined);
    await t.rejects(split.query("FROM true_orders"));
    const named = await withMap("drug", "drug,atc_code\nVancomycin,J01XA02\n");
    t.equal(named.info.true_orders, true);
    const products = await named.query("SELECT atc FROM true_products WHERE name = 'Vancomycin'");
    t.same(products.strings("atc"), ["J01XA02"]);
  },
);
