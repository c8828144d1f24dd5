/** The twins show the quirks that loaders must survive, and sizes near the published ratios. */
import { join } from "node:path";
import t, { type Test } from "tap";
import { generateTwin, type TwinLayout, twinLayouts } from "../../../Dataset/synthetic/index.ts";
import { records } from "./twin-files.ts";

type Rows = Record<string, string>[];

const share = (rows: Rows, holds: (row: Record<string, string>) => boolean): number =>
  rows.filter(holds).length / rows.length;
const at = (text: string | undefined): number => Date.parse(`${(text ?? "").replace(" ", "T")}Z`);

function groups(rows: Rows, column: string): Map<string, Rows> {
  const found = new Map<string, Rows>();
  for (const row of rows) {
    const key = row[column] ?? "";
    found.set(key, [...(found.get(key) ?? []), row]);
  }
  return found;
}

async function twin(t: Test, layout: TwinLayout, subjects: number) {
  const root = join(t.testdir(), "twin");
  const summary = await generateTwin({ layout, subjects, seed: 5, out: root });
  return { root, summary };
}

/** Admissions per subject, and rows per admission as published (data-and-tasks: sizes). */
const PUBLISHED = {
  mimic4: {
    admissions: 1.6,
    "hosp/diagnoses_icd": 11.66,
    "hosp/procedures_icd": 1.57,
    "hosp/prescriptions": 37.2,
    "icu/icustays": 0.173,
  },
  mimic3: {
    admissions: 1.27,
    DIAGNOSES_ICD: 11.04,
    PROCEDURES_ICD: 4.07,
    PRESCRIPTIONS: 70.5,
    ICUSTAYS: 1.043,
  },
} as const;

for (const layout of twinLayouts) {
  t.test(`${layout}: sizes are near those of the release`, async (t) => {
    const { summary } = await twin(t, layout, 2500);
    for (const [name, published] of Object.entries(PUBLISHED[layout])) {
      const value =
        name === "admissions"
          ? summary.admissions / summary.subjects
          : (summary.rows[name] ?? 0) / summary.admissions;
      const text = `${name}: ${value.toFixed(3)}, published ${published}`;
      t.ok(Math.abs(value / published - 1) < 0.25, text);
    }
  });
}

t.test("mimic4: one ICD version per admission, both in some subjects", async (t) => {
  const { root } = await twin(t, "mimic4", 1500);
  const rows = records(root, "hosp/diagnoses_icd");
  const versions = (of: Rows) => new Set(of.map((row) => row["icd_version"])).size;
  t.ok([...groups(rows, "hadm_id").values()].every((visit) => versions(visit) === 1));
  t.ok([...groups(rows, "subject_id").values()].some((subject) => versions(subject) === 2));
  t.ok(rows.some((row) => row["icd_version"] === "9" && row["icd_code"]?.startsWith("0")));
  for (const code of ["E8809", "E8881"]) {
    t.ok(
      rows.some((row) => row["icd_code"] === code),
      `${code} has two meanings`,
    );
  }
});

t.test("mimic4: codes that the dictionary lacks", async (t) => {
  const { root } = await twin(t, "mimic4", 800);
  const key = (row: Record<string, string>) => `${row["icd_version"]} ${row["icd_code"]}`;
  const known = new Set(records(root, "hosp/d_icd_diagnoses").map(key));
  const unknown = share(records(root, "hosp/diagnoses_icd"), (row) => !known.has(key(row)));
  t.ok(unknown > 0.001 && unknown < 0.03, `${unknown}`);
});

t.test("mimic4: order times, packages and carriers", async (t) => {
  const { root } = await twin(t, "mimic4", 500);
  const orders = records(root, "hosp/prescriptions");
  const visits = new Map(records(root, "hosp/admissions").map((row) => [row["hadm_id"], row]));
  const some = (
    name: string,
    low: number,
    high: number,
    holds: (row: Record<string, string>) => boolean,
  ) => {
    const value = share(orders, holds);
    t.ok(value > low && value < high, `${name}: ${value.toFixed(4)}`);
  };
  some(
    "before admission",
    0.003,
    0.05,
    (o) => at(o["starttime"]) < at(visits.get(o["hadm_id"])?.["admittime"]),
  );
  some(
    "after discharge",
    0.001,
    0.03,
    (o) => at(o["starttime"]) > at(visits.get(o["hadm_id"])?.["dischtime"]),
  );
  some("stop before start", 0.02, 0.08, (o) => at(o["stoptime"]) < at(o["starttime"]));
  some("no stop", 0, 0.01, (o) => o["stoptime"] === "");
  some("NDC 0", 0.08, 0.25, (o) => o["ndc"] === "0");
  some("NDC with leading zero", 0.3, 0.9, (o) => o["ndc"]?.startsWith("00") === true);
  some("BASE rows", 0.1, 0.3, (o) => o["drug_type"] === "BASE");
  some("heparin flushes", 0.0005, 0.05, (o) => o["drug"]?.startsWith("Heparin Flush") === true);
});

t.test("mimic4: deaths, emergency times, stays and ages", async (t) => {
  const { root } = await twin(t, "mimic4", 3000);
  const visits = records(root, "hosp/admissions");
  const dead = visits.filter((row) => row["hospital_expire_flag"] === "1");
  t.ok(
    dead.some((row) => at(row["deathtime"]) > at(row["dischtime"])),
    "a death after its discharge",
  );
  t.ok(dead.every((row) => row["discharge_location"] === "DIED"));
  const ed = visits.filter((row) => row["edregtime"] !== "");
  t.ok(ed.length > 0 && ed.every((row) => at(row["edregtime"]) < at(row["admittime"])));
  t.ok(
    visits.some((row) => row["discharge_location"] === ""),
    "an empty discharge location",
  );
  const stays = [...groups(records(root, "icu/icustays"), "hadm_id").values()];
  t.ok(
    stays.some((of) => of.length > 1),
    "several ICU stays in an admission",
  );
  const people = records(root, "hosp/patients");
  const withVisit = new Set(visits.map((row) => row["subject_id"]));
  t.ok(
    people.some((row) => !withVisit.has(row["subject_id"])),
    "subjects without admission",
  );
  t.ok(
    people.some((row) => row["anchor_age"] === "91"),
    "ages over 89 are 91",
  );
  t.notOk(people.some((row) => row["anchor_age"] === "90"));
  const last = new Map(visits.map((row) => [row["subject_id"], at(row["dischtime"])]));
  const later = people.filter(
    (row) =>
      row["dod"] !== "" &&
      at(`${row["dod"]} 23:59:59`) > (last.get(row["subject_id"]) ?? 0) + 864e5,
  );
  t.ok(later.length > 0, "deaths after discharge");
});

t.test("mimic3: its own quirks", async (t) => {
  const { root } = await twin(t, "mimic3", 4000);
  const visits = records(root, "ADMISSIONS");
  const donors = visits.filter((row) => row["diagnosis"] === "ORGAN DONOR ACCOUNT");
  t.ok(
    donors.length > 0 && donors.every((row) => at(row["dischtime"]) < at(row["admittime"])),
    "donor accounts",
  );
  t.ok(visits.some((row) => row["admission_type"] === "NEWBORN"));
  const first = new Map<string, string>();
  for (const row of visits) {
    const subject = row["subject_id"] ?? "";
    if (!first.has(subject)) first.set(subject, row["admittime"] ?? "");
  }
  const hidden = records(root, "PATIENTS").filter((row) => Number(row["dob"]?.slice(0, 4)) < 1930);
  t.ok(hidden.length > 0, "ages over 89 are hidden");
  for (const row of hidden) {
    const admitted = first.get(row["subject_id"] ?? "") ?? "";
    t.equal(row["dob"]?.slice(5, 10), admitted.slice(5, 10), "300 years to the day");
    t.equal(Number(admitted.slice(0, 4)) - Number(row["dob"]?.slice(0, 4)), 300);
  }
  const diagnoses = records(root, "DIAGNOSES_ICD");
  t.ok(
    diagnoses.some((row) => row["icd9_code"] === "" && row["seq_num"] === ""),
    "a null code",
  );
});

t.test("mimic3: orders of whole days, some of them twice", async (t) => {
  const { root } = await twin(t, "mimic3", 100);
  const orders = records(root, "PRESCRIPTIONS");
  t.ok(
    orders.every((row) => row["startdate"]?.endsWith(" 00:00:00")),
    "whole days",
  );
  const seen = new Set<string>();
  const repeated = orders.filter((row) => {
    const key = JSON.stringify({ ...row, row_id: "" });
    return seen.size === seen.add(key).size;
  });
  t.ok(repeated.length > 0, "rows that differ in ROW_ID only");
});
