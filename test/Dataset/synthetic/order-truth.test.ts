/** The stated probabilities of drugs are those with which the orders in the raw tables came about. */
import { join } from "node:path";
import t, { type Test } from "tap";
import { Random } from "../../../core/random.ts";
import { type Family, readCatalogue } from "../../../Dataset/synthetic/catalogue.ts";
import { Chart } from "../../../Dataset/synthetic/chart.ts";
import { generateTwin, twinLayouts } from "../../../Dataset/synthetic/index.ts";
import type { Visit } from "../../../Dataset/synthetic/life.ts";
import { Orders } from "../../../Dataset/synthetic/orders.ts";
import { PROFILES } from "../../../Dataset/synthetic/profile.ts";
import { Schedule } from "../../../Dataset/synthetic/schedule.ts";
import { records } from "./twin-files.ts";

const catalogue = readCatalogue();
const drugNamed = (name: string) => catalogue.drugs.findIndex((drug) => drug.name === name);
const near = (t: Test, found: number | undefined, wanted: number, text: string) =>
  t.ok(Math.abs((found ?? Number.NaN) - wanted) < 1e-9, `${text}: ${found}, by hand ${wanted}`);

t.test("probabilities of a visit, by hand from the rows of the catalogue", (t) => {
  const orders = new Orders(catalogue, PROFILES.mimic4);
  const chart = new Chart(catalogue);
  chart.drugs = [drugNamed("Metoprolol Tartrate"), drugNamed("Warfarin")];
  const families = ["heart_failure", "coronary_disease", "gi_bleeding"].map(
    (name) => catalogue.families[catalogue.family(name)] as Family,
  );
  const p = orders.chances(chart, families, false);
  const of = (name: string) => p[drugNamed(name)];
  near(t, of("Metoprolol Tartrate"), 1 - (1 - 0.4) * (1 - 0.16) * (1 - 0.4), "two reasons, kept");
  near(t, of("Metoprolol Succinate XL"), 1 - (1 - 0.2) * (1 - 0.1), "another drug of its class");
  near(t, of("Warfarin"), 0.5, "only kept");
  near(t, of("Heparin"), (1 - (1 - 0.47) * (1 - 0.14)) * (1 - 0.6), "bleeding rules some out");
  near(t, of("Zolpidem Tartrate"), 0.05, "without a reason");
  near(t, of("Tiotropium Bromide"), 0, "none");
  const short = orders.chances(chart, families, true);
  short.forEach((value, drug) => {
    if (Math.abs(value - 0.6 * (p[drug] as number)) > 1e-12) t.fail(`drug ${drug}`);
  });
  t.end();
});

/** A visit of so many days with these drugs. */
function visitOf(days: number, drugs: readonly number[], died = false): Visit {
  const none = { mortalityNext: undefined, readmission15: undefined, readmission30: undefined };
  const chances = new Float64Array(catalogue.drugs.length);
  for (const drug of drugs) chances[drug] = 1;
  const times = { admission: 0, discharge: days * 1440 };
  const coded = { diagnoses: [], procedures: [], drugs, chances, icu: false };
  return { urgency: "planned", died, ...times, ...coded, truth: { ...none, mortality48h: 0 } };
}

/** Each order says the route it is given by. */
const schedule = new Schedule(
  catalogue,
  (drug, product) => `${drug.name} ${product.route}`,
  PROFILES.mimic4.orders,
);

t.test("a drug of two products: how often each of them is among its orders", (t) => {
  const random = Random.fromSeed(5);
  const drug = drugNamed("Potassium Chloride");
  for (const days of [0.5, 6, 60]) {
    const visit = visitOf(days, [drug]);
    const stated = schedule.chances(visit);
    near(t, stated.any, 1, "something is ordered");
    const times = 6000;
    let [first, second] = [0, 0];
    for (let i = 0; i < times; i++) {
      const routes = new Set<string>();
      schedule.plan(visit, random, (_start, _stop, columns) => routes.add(columns));
      if (routes.has("Potassium Chloride IV")) first++;
      if (routes.has("Potassium Chloride PO")) second++;
    }
    for (const [name, count, p] of [
      ["first", first, stated.first],
      ["second", second, stated.second],
    ] as const) {
      const error = Math.sqrt((p * (1 - p)) / times);
      const text = `${days} days, ${name}: stated ${p}, drawn ${count / times}`;
      t.ok(Math.abs(count / times - p) < 4 * error, text);
    }
  }
  t.end();
});

t.test("orders of a last day belong to deaths after four days, and to nobody else", (t) => {
  const vancomycin = drugNamed("Vancomycin");
  const [glycopyrrolate, scopolamine] = [
    drugNamed("Glycopyrrolate"),
    drugNamed("Scopolamine Patch"),
  ];
  const drugs = (visit: Visit) => schedule.chances(visit).drugs;
  near(t, drugs(visitOf(4, [vancomycin], true))[glycopyrrolate], 0.34, "of a death");
  near(t, drugs(visitOf(4, [vancomycin], true))[vancomycin], 1, "what was drawn before");
  near(t, drugs(visitOf(3.9, [vancomycin], true))[glycopyrrolate], 0, "of an early death");
  near(t, drugs(visitOf(4, [vancomycin]))[glycopyrrolate], 0, "of a survivor");
  near(t, schedule.chances(visitOf(4, [], true)).any, 1 - 0.66 * 0.78, "any order");
  for (const drug of [glycopyrrolate, scopolamine]) {
    t.equal(
      catalogue.drugs[drug]?.products.length,
      1,
      "so that no share of a product is asked for",
    );
  }
  t.end();
});

for (const layout of twinLayouts) {
  t.test(`${layout}: orders in the raw tables follow the stated probabilities`, async (t) => {
    const out = join(t.testdir(), "twin");
    await generateTwin({ layout, subjects: 500, seed: 21, out });
    const table = layout === "mimic4" ? "hosp/prescriptions" : "PRESCRIPTIONS";
    const ordered = new Map<string, Set<string>>();
    for (const row of records(out, table)) {
      if (row["drug_type"] !== "MAIN") continue;
      const visit = row["hadm_id"] ?? "";
      const names = ordered.get(visit) ?? new Set();
      ordered.set(visit, names.add(row["drug"] ?? ""));
    }
    const names = new Map(records(out, "truth_products").map((row) => [row["drug"], row["name"]]));
    t.equal(new Set(names.values()).size, names.size, "a name is of one drug");
    const sums = new Map<string, { stated: number; variance: number; found: number }>();
    const add = (key: string, p: number, happened: boolean) => {
      const sum = sums.get(key) ?? { stated: 0, variance: 0, found: 0 };
      sum.stated += p;
      sum.variance += p * (1 - p);
      sum.found += happened ? 1 : 0;
      sums.set(key, sum);
      if (happened && p === 0) t.fail(`${key} was ordered with probability 0`);
    };
    for (const row of records(out, "truth_orders")) {
      const visit = ordered.get(row["hadm_id"] ?? "");
      add("any", Number(row["any_order"]), visit !== undefined);
      for (const [drug, name] of names) {
        const p = Number(row[`drug_${drug}`]);
        const happened = visit?.has(name ?? "") === true;
        add(`drug ${name}`, p, happened);
        add(`tenth ${Math.floor(10 * p)}`, p, happened);
      }
    }
    const squares = [...sums].flatMap(([key, { stated, variance, found }]) => {
      if (variance === 0) return [];
      const z = (found - stated) / Math.sqrt(variance + 1);
      t.ok(Math.abs(z) < 4.5, `${key}: stated ${stated.toFixed(1)}, found ${found}`);
      return [z * z];
    });
    const mean = squares.reduce((a, b) => a + b, 0) / squares.length;
    t.ok(
      mean > 0.5 && mean < 1.35,
      `mean square of deviations ${mean}, of 1 where they are chance`,
    );
  });
}
