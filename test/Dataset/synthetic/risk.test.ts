/** The stated risks are the risks: labels recomputed from the raw tables follow them. */
import { join } from "node:path";
import t, { type Test } from "tap";
import { Random } from "../../../core/random.ts";
import { readCatalogue } from "../../../Dataset/synthetic/catalogue.ts";
import { Chart } from "../../../Dataset/synthetic/chart.ts";
import {
  generateTwin,
  type RiskStructure,
  type TwinLayout,
} from "../../../Dataset/synthetic/index.ts";
import { PROFILES } from "../../../Dataset/synthetic/profile.ts";
import { RiskModel } from "../../../Dataset/synthetic/risk.ts";
import { averagePrecision, records } from "./twin-files.ts";

const DAY = 86_400_000;
const at = (text: string | undefined): number => Date.parse(`${(text ?? "").replace(" ", "T")}Z`);

interface Outcome {
  readonly truth: number[];
  readonly label: boolean[];
}
const OUTCOMES = ["mortality_next", "readmission_15d", "readmission_30d", "mortality_48h"] as const;
type Outcomes = Record<(typeof OUTCOMES)[number], Outcome>;

/** Still in hospital, alive, 48 hours after admission. */
function reaches48h(visit: { start: number; end: number; death: number }): boolean {
  const then = visit.start + 2 * DAY;
  return visit.end >= then && !(visit.death <= then);
}

/** Stated risk and outcome of every visit where the outcome is defined, as the tasks define it. */
function outcomes(root: string, admissions: string): Outcomes {
  const truth = new Map(records(root, "truth").map((row) => [row["hadm_id"], row]));
  const visits = records(root, admissions)
    .map((row) => ({
      subject: row["subject_id"],
      id: row["hadm_id"],
      start: at(row["admittime"]),
      end: at(row["dischtime"]),
      death: at(row["deathtime"]),
      died: row["hospital_expire_flag"] === "1",
    }))
    .filter((visit) => visit.end > visit.start)
    .sort((a, b) => Number(a.subject) - Number(b.subject) || a.start - b.start);
  const found = Object.fromEntries(
    OUTCOMES.map((name) => [name, { truth: [], label: [] } as Outcome]),
  ) as Outcomes;
  const add = (name: (typeof OUTCOMES)[number], id: string | undefined, label: boolean) => {
    const stated = truth.get(id)?.[name];
    if (stated === undefined || stated === "") return;
    found[name].truth.push(Number(stated));
    found[name].label.push(label);
  };
  visits.forEach((visit, i) => {
    const following = visits[i + 1];
    const next = following?.subject === visit.subject ? following : undefined;
    const gap = next === undefined ? Number.POSITIVE_INFINITY : next.start - visit.end;
    if (next !== undefined && !visit.died) add("mortality_next", visit.id, next.died);
    if (!visit.died) add("readmission_15d", visit.id, gap > 0 && gap <= 15 * DAY);
    if (!visit.died) add("readmission_30d", visit.id, gap > 0 && gap <= 30 * DAY);
    if (reaches48h(visit)) add("mortality_48h", visit.id, visit.died);
  });
  return found;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Stated and observed rate agree within four standard errors, and two events where few are expected. */
function agree(t: Test, name: string, risks: readonly number[], labels: readonly boolean[]): void {
  const observed = mean(labels.map(Number));
  const error = Math.sqrt(mean(risks.map((p) => p * (1 - p))) / risks.length);
  const text = `${name}: stated ${mean(risks).toFixed(4)}, observed ${observed.toFixed(4)} of ${risks.length}`;
  t.ok(Math.abs(mean(risks) - observed) < 4 * error + 2 / risks.length, text);
}

function calibrated(t: Test, name: string, { truth, label }: Outcome): void {
  agree(t, name, truth, label);
  const order = truth.map((_, i) => i).sort((a, b) => (truth[a] ?? 0) - (truth[b] ?? 0));
  for (let decile = 0; decile < 10; decile++) {
    const part = order.slice(
      Math.floor((decile * order.length) / 10),
      Math.floor(((decile + 1) * order.length) / 10),
    );
    const risks = part.map((i) => truth[i] ?? 0);
    agree(
      t,
      `${name}, tenth ${decile + 1}`,
      risks,
      part.map((i) => label[i] === true),
    );
  }
}

/** Prevalence and best possible average precision lie where a learner has something to find. */
function within(
  t: Test,
  name: string,
  outcome: Outcome,
  [rates, best]: readonly [readonly [number, number], readonly [number, number]],
): void {
  const rate = mean(outcome.label.map(Number));
  const reached = averagePrecision(outcome.label, outcome.truth);
  t.ok(rate > rates[0] && rate < rates[1], `${name}: prevalence ${rate.toFixed(4)}`);
  t.ok(
    reached > best[0] && reached < best[1],
    `${name}: best possible AUPRC ${reached.toFixed(4)}`,
  );
}

const twins: readonly (readonly [TwinLayout, string])[] = [
  ["mimic4", "hosp/admissions"],
  ["mimic3", "ADMISSIONS"],
];

for (const [layout, admissions] of twins) {
  t.test(`${layout}: outcomes follow the stated risks, overall and by tenths`, async (t) => {
    const out = join(t.testdir(), "twin");
    await generateTwin({ layout, subjects: 5000, seed: 12, out });
    const found = outcomes(out, admissions);
    for (const name of OUTCOMES) calibrated(t, name, found[name]);
    if (layout === "mimic3") return;
    within(t, "mortality", found.mortality_next, [
      [0.06, 0.11],
      [0.35, 0.52],
    ]);
    within(t, "readmission", found.readmission_15d, [
      [0.1, 0.16],
      [0.3, 0.48],
    ]);
  });
}

t.test(
  "even siblings: all codes of a family are as frequent, and share its effect or none",
  (t) => {
    const [plain, even] = [readCatalogue(), readCatalogue(true)];
    for (const [i, family] of even.families.entries()) {
      const n = family.variants.length;
      for (const [k, sum] of family.cumulative.entries())
        t.ok(Math.abs(sum - (k + 1) / n) < 1e-12, family.name);
      t.same(family.variants, plain.families[i]?.variants, "the same codes");
    }
    const riskOf = (structure: RiskStructure, code: number) => {
      const model = new RiskModel(even, PROFILES.mimic4, structure, Random.fromSeed(2));
      const chart = new Chart(even);
      chart.reset(false, 0);
      chart.age = 60;
      chart.visits = 1;
      chart.record(even.variants[code]?.family ?? -1, code);
      return model.nextDeath(chart);
    };
    const cirrhosis = even.families.find(({ name }) => name === "cirrhosis")?.variants ?? [];
    t.ok(cirrhosis.length > 5);
    const distinct = (structure: RiskStructure) =>
      new Set(cirrhosis.map((code) => riskOf(structure, code))).size;
    t.equal(distinct("even"), 1, "siblings share their risk");
    t.ok(distinct("even-none") > 1, "and do not in the null");
    t.end();
  },
);

t.test("without structure the same people meet other risks", async (t) => {
  const dir = t.testdir();
  const make = (structure: "hierarchy" | "none") =>
    generateTwin({
      layout: "mimic4",
      subjects: 1500,
      seed: 4,
      out: join(dir, structure),
      structure,
    });
  await make("hierarchy");
  await make("none");
  const first = (structure: string) => records(join(dir, structure), "truth")[0]?.["mortality_48h"];
  t.equal(first("none"), first("hierarchy"), "a first visit has no history, so no difference");
  const risks = (structure: string) =>
    records(join(dir, structure), "truth").map((row) => row["mortality_next"] ?? "");
  t.notSame(risks("none"), risks("hierarchy"));
  const found = outcomes(join(dir, "none"), "hosp/admissions");
  calibrated(t, "mortality without structure", found.mortality_next);
});
