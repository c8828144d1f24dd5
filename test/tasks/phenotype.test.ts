import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import t from "tap";
import { expandCodes } from "../../core/vocabulary/code-list.ts";
import { phenotype } from "../../tasks/phenotype.ts";
import { PHENOTYPES } from "../../tasks/phenotype-definitions.ts";
import { demoRoot } from "../support/demo-data.ts";
import type { HandEvent, HandIcuStay } from "../support/hand-store.ts";
import { labelsOf } from "../support/labels-of.ts";

const visit = { subject: 1, id: 5, start: "2150-01-01 10:00", end: "2150-01-09 12:00" };
const icuStay: HandIcuStay = {
  subject: 1,
  visit: 5,
  id: 50,
  start: "2150-01-02 10:00",
  end: "2150-01-04 11:30",
};
const diagnosis = (code: string, more: Partial<HandEvent> = {}): HandEvent => ({
  subject: 1,
  time: "2150-01-09 12:00",
  code,
  kind: "diagnosis",
  visit: 5,
  ...more,
});

function label(events: readonly HandEvent[], icuStays: readonly HandIcuStay[] = [icuStay]) {
  return labelsOf(phenotype, { subjects: [{ id: 1 }], visits: [visit], icuStays, events });
}

async function positives(...codes: string[]): Promise<string[]> {
  const labels = await label(codes.map((code) => diagnosis(code)));
  return (labels[0]?.[2] ?? []).map((i) => PHENOTYPES[i]?.name ?? "");
}

t.test("asks at the end of the ICU stay; a stay without any phenotype is kept (H8)", async (t) => {
  t.same(await label([]), [[5, "2150-01-04 11:30:00", []]]);
});

t.test("knows both ICD versions and keeps them apart (H15)", async (t) => {
  t.same(await positives("ICD9CM/584.9"), ["Acute and unspecified renal failure"]);
  t.same(await positives("ICD10CM/N17.9"), ["Acute and unspecified renal failure"]);
  t.same(await positives("ICD9CM/785.52", "ICD10CM/R65.21"), ["Shock"]);
  t.same(await positives("ICD10CM/584.9", "ICD9CM/N17.9"), []);
});

t.test("a code counts only as it is listed, with or without a dot", async (t) => {
  t.same(await positives("ICD9CM/569.6"), ["Complications of surgical procedures or medical care"]);
  t.same(await positives("ICD9CM/569.60", "ICD10CM/I48.1", "ICD9CM/584", "ICD9CM/58491"), []);
  t.same(await positives("ICD9CM/585", "ICD10CM/I10"), [
    "Chronic kidney disease",
    "Essential hypertension",
  ]);
});

t.test("gathers several conditions of a stay once each, in the order of the classes", async (t) => {
  const events = ["ICD9CM/785.52", "ICD9CM/038.9", "ICD9CM/995.92", "ICD9CM/038.9"];
  const names = await positives(...events);
  t.same(names, ["Septicemia (except in labor)", "Shock"]);
});

t.test("only diagnoses count, and only those of the stay", async (t) => {
  const events = [
    diagnosis("ICD9CM/584.9", { visit: null }),
    diagnosis("ICD9CM/785.52", { visit: 6 }),
    diagnosis("ICD9Proc/42.80", { kind: "procedure" }),
  ];
  t.same(await label(events), [[5, "2150-01-04 11:30:00", []]]);
});

t.test("two ICU stays, none, or one without an end exclude the stay", async (t) => {
  const second = { ...icuStay, id: 51, start: "2150-01-06 10:00", end: "2150-01-07 10:00" };
  t.same(await label([diagnosis("ICD9CM/584.9")], [icuStay, second]), []);
  t.same(await label([], [icuStay, { ...second, end: null }]), []);
  t.same(await label([], []), []);
  t.same(await label([], [{ ...icuStay, end: null }]), []);
});

t.test("the index visit's diagnoses are hidden (H9)", (t) => {
  t.same(phenotype.history.hideIndexVisit, ["diagnosis"]);
  t.end();
});

const tableFile = demoRoot("maps/phenotypes.csv");
const skip = tableFile === undefined && "../shared/data/maps/phenotypes.csv is not here";

t.test("the lists are exactly the rows of the published table", { skip }, (t) => {
  const table = parse<Record<string, string>>(readFileSync(tableFile ?? ""), { columns: true });
  const listed = table.map((r) => `${r["phenotype"]} ${r["icd_version"]} ${r["code"]}`);
  const ours = PHENOTYPES.flatMap(({ name, icd9, icd10 }) => [
    ...expandCodes(icd9).map((code) => `${name} 9 ${code}`),
    ...expandCodes(icd10).map((code) => `${name} 10 ${code}`),
  ]);
  t.same(ours.sort(), listed.sort());
  t.equal(ours.length, 2499);
  t.same(
    PHENOTYPES.map((p) => `${p.name}, ${p.type}`),
    [...new Set(table.map((r) => `${r["phenotype"]}, ${r["type"]}`))].sort(),
  );
  t.end();
});
