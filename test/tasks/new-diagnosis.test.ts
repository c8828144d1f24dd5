import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import t from "tap";
import { readCsv } from "../../core/csv.ts";
import { icdCode } from "../../core/vocabulary/codes.ts";
import { matchesAny } from "../../core/vocabulary/patterns.ts";
import { loadLabels } from "../../harness/labels.ts";
import { DISEASES, diseaseCodes } from "../../tasks/diseases.ts";
import { newAcuteMi } from "../../tasks/new-acute-mi.ts";
import { newHypertension } from "../../tasks/new-hypertension.ts";
import { risk } from "../../tasks/risk.ts";
import { demoRoot } from "../support/demo-data.ts";
import { type HandEvent, type HandVisit, handStore } from "../support/hand-store.ts";
import { cohortOf, labelsOf, readable } from "../support/labels-of.ts";

const born = { id: 1, birth: "2100-01-01" };
const visit = (id: number, start: string, end: string | null, more = {}): HandVisit => ({
  subject: 1,
  id,
  start,
  end,
  ...more,
});
const diagnosis = (visit: number | null, time: string | null, code: string): HandEvent => ({
  subject: 1,
  visit,
  time,
  code,
  kind: "diagnosis",
});
const YEARS = [
  visit(1, "2150-01-01 10:00", "2150-01-05 12:00"),
  visit(2, "2150-06-01 10:00", "2150-06-05 12:00"),
  visit(3, "2152-06-01 10:00", "2152-06-09 12:00"),
];
const asked = (events: readonly HandEvent[], visits = YEARS, subject = {}) =>
  labelsOf(newHypertension, { subjects: [{ ...born, ...subject }], visits, events });

t.test("a first diagnosis within a year is positive; then nobody is asked (H13)", async (t) => {
  t.same(await asked([diagnosis(2, "2150-06-05 12:00", "ICD9CM/401.9")]), [
    [1, "2150-01-05 12:00:00", [0]],
  ]);
  t.same(await asked([diagnosis(3, "2152-06-09 12:00", "ICD10CM/I10")]), [
    [1, "2150-01-05 12:00:00", []],
    [2, "2150-06-05 12:00:00", []],
  ]);
  t.same((await asked([])).length, 3);
});

t.test("both versions of ICD and SNOMED count, and no code that only looks alike", async (t) => {
  for (const code of ["ICD9CM/401.0", "ICD10CM/I10", "SNOMED/59621000"]) {
    t.equal((await asked([diagnosis(2, "2150-06-05 12:00", code)])).length, 1, code);
  }
  for (const code of ["ICD9Proc/40.1", "ICD10CM/I11.0", "ICD9CM/405.91", "ICD10CM/I1A.0"]) {
    t.equal((await asked([diagnosis(2, "2150-06-05 12:00", code)])).length, 3, code);
  }
});

t.test(
  "a disease known before the first stay, without a time, or from another version excludes",
  async (t) => {
    t.same(await asked([diagnosis(null, "2140-01-01 00:00", "ICD9CM/401.1")]), []);
    t.same(
      await asked([diagnosis(null, null, "ICD10CM/I10")]),
      [],
      "a null time has always been so",
    );
    const both = [
      diagnosis(1, "2150-01-05 12:00", "ICD9CM/401.9"),
      diagnosis(2, "2150-06-05 12:00", "ICD10CM/I10"),
    ];
    t.same(await asked(both), [], "I10 is not new to whom 401.9 was given");
  },
);

t.test("the stay's own diagnosis, stamped at its discharge, is known by then", async (t) => {
  const own = [diagnosis(1, "2150-01-05 12:00", "ICD10CM/I10")];
  t.same(await asked(own), []);
  const later = [diagnosis(null, "2150-01-05 12:01", "ICD10CM/I10")];
  t.same(await asked(later), [[1, "2150-01-05 12:00:00", [0]]], "a minute later is new");
});

t.test("the year ends after 365 days of 24 hours, inclusive", async (t) => {
  const at = (time: string) =>
    asked([diagnosis(null, time, "ICD10CM/I10")], [YEARS[0] as HandVisit]);
  t.same(await at("2151-01-05 12:00"), [[1, "2150-01-05 12:00:00", [0]]]);
  t.same(await at("2151-01-05 12:01"), [[1, "2150-01-05 12:00:00", []]]);
});

t.test(
  "death in the stay, or recorded by its discharge, excludes; minors and open stays too",
  async (t) => {
    const died = [visit(1, "2150-01-01", "2150-01-05", { died: true })];
    t.same(await asked([], died), []);
    t.same(await asked([], [YEARS[0] as HandVisit], { death: "2150-01-05 12:00" }), []);
    t.equal((await asked([], [YEARS[0] as HandVisit], { death: "2150-01-05 18:00" })).length, 1);
    t.same(await asked([], [visit(1, "2110-01-01", "2110-01-05")]), []);
    const open = visit(2, "2150-03-01", null);
    t.same(
      await asked([], [YEARS[0] as HandVisit, open]),
      await asked([], [YEARS[0] as HandVisit]),
    );
    await t.rejects(asked([], [open]), /no stay here has a recorded end/);
    t.same(await asked([], [visit(1, "2150-01-01", "2150-01-05", { type: "outpatient" })]), []);
  },
);

t.test("overlapping stays are asked each at its own end", async (t) => {
  const visits = [
    visit(1, "2150-01-01 10:00", "2150-01-09 12:00"),
    visit(2, "2150-01-02 10:00", "2150-01-05 12:00"),
  ];
  t.same(await asked([diagnosis(1, "2150-01-09 12:00", "ICD10CM/I10")], visits), [
    [2, "2150-01-05 12:00:00", [0]],
  ]);
});

t.test("with followedUp=1 a negative needs a record or a death past the horizon", async (t) => {
  const followed = (events: readonly HandEvent[], death: string | null) =>
    labelsOf(
      newHypertension,
      { subjects: [{ ...born, death }], visits: [YEARS[0] as HandVisit], events },
      { followedUp: 1 },
    );
  t.same(await followed([], null), []);
  t.same(await followed([diagnosis(null, "2151-01-05 12:00", "ICD10CM/J18.9")], null), [
    [1, "2150-01-05 12:00:00", []],
  ]);
  t.same(await followed([diagnosis(null, "2151-01-05 11:59", "ICD10CM/J18.9")], null), []);
  t.equal((await followed([], "2150-03-01 00:00")).length, 1, "died undiagnosed");
  t.equal((await followed([diagnosis(null, "2150-03-01", "ICD10CM/I10")], null)).length, 1);
});

t.test(
  "SNOMED concepts below the outcome's count, at any depth, where their parents are known",
  async (t) => {
    const events = [diagnosis(2, "2150-06-05 12:00", "SNOMED/3")];
    const store = await handStore({
      subjects: [born],
      visits: YEARS,
      events,
      parents: { "SNOMED/3": ["SNOMED/2"], "SNOMED/2": ["SNOMED/9", "SNOMED/57054005"] },
    });
    t.teardown(() => store.close());
    t.same(readable(await loadLabels(store, newAcuteMi, {})), [[1, "2150-01-05 12:00:00", [0]]]);
    t.equal((await loadLabels(store, newHypertension, {})).size, 3);
  },
);

t.test("risk keeps patients with a disease for the others", async (t) => {
  const events = [
    diagnosis(1, "2150-01-05 12:00", "ICD9CM/401.9"),
    diagnosis(2, "2150-06-05 12:00", "ICD9CM/401.9"),
    diagnosis(2, "2150-06-05 12:00", "ICD10CM/M32.9"),
    diagnosis(2, "2150-06-05 12:00", "ICD10CM/I21.4"),
    diagnosis(3, "2152-06-09 12:00", "ICD10CM/C25.0"),
  ];
  t.same(await labelsOf(risk, { subjects: [born], visits: YEARS, events }), [
    [1, "2150-01-05 12:00:00", [3, 5]],
    [2, "2150-06-05 12:00:00", []],
    [3, "2152-06-09 12:00:00", []],
  ]);
});

t.test("the cohort flow says who is left out", async (t) => {
  const events = [diagnosis(2, "2150-06-05 12:00", "ICD9CM/401.9")];
  const flow = await cohortOf(newHypertension, { subjects: [born], visits: YEARS, events });
  t.same(flow.at(-1), { step: "no essential hypertension on record by then", samples: 1 });
  t.same(
    flow.map((s) => s.samples),
    [3, 3, 3, 3, 3, 3, 1],
  );
});

/** What every title of a listed code says; and a title that says so belongs to no other code. */
const TITLES: readonly (readonly [listed: RegExp, only: RegExp])[] = [
  [
    /hypertension/i,
    /^(malignant|benign|unspecified) essential hypertension$|^essential \(primary/i,
  ],
  [
    /chol|lipid|lipoprotein|glycerid|chylomicron/i,
    /(pure|mixed).*(hyperlipid|cholesterol|glycerid)/i,
  ],
  [/panc|islet|langer/i, /^malignant neoplasm of .*pancrea/i],
  [/infarction/i, /^(acute myocardial infarction|st elevation)/i],
  [/celiac/i, /^celiac disease/i],
  [/lupus/i, /systemic lupus erythematosus/i],
];
const icd9 = demoRoot("mimic-iii-demo-1.4/D_ICD_DIAGNOSES.csv");
const icd10 = demoRoot("maps/icd10cm-order-Jan-2021.csv.gz");
const missing = (icd9 === undefined || icd10 === undefined) && "../shared/data is not here";

t.test(
  "the lists hold what the dictionaries call by the disease's name",
  { skip: missing },
  (t) => {
    const titles = new Map<string, string>();
    for (const { fields } of readCsv(icd9 ?? "").rows) {
      titles.set(icdCode("ICD9CM", fields["icd9_code"] ?? ""), fields["long_title"] ?? "");
    }
    for (const line of gunzipSync(readFileSync(icd10 ?? ""))
      .toString()
      .trim()
      .split("\n")
      .slice(1)) {
      const [code = "", , ...rest] = line.split(",");
      titles.set(icdCode("ICD10CM", code), rest.join(","));
    }
    DISEASES.forEach((disease, i) => {
      const patterns = diseaseCodes(disease);
      const [named, title] = TITLES[i] ?? [/./, /./];
      const listed = [...titles].filter(([code]) => matchesAny(code, patterns));
      t.ok(listed.some(([code]) => code.startsWith("ICD9CM")));
      t.ok(listed.some(([code]) => code.startsWith("ICD10CM")));
      t.same(
        listed.filter(([, text]) => !named.test(text)),
        [],
        disease.name,
      );
      const unlisted = [...titles].filter(
        ([code, text]) => title.test(text) && !matchesAny(code, patterns),
      );
      t.same(unlisted, [], disease.name);
    });
    t.end();
  },
);

const map = demoRoot("maps/phenotypes.csv");
t.test(
  "infarction and lipids are the codes of the phenotypes of that name",
  { skip: missing },
  (t) => {
    for (const [disease, phenotype] of [
      [3, "Acute myocardial infarction"],
      [1, "Disorders of lipid metabolism"],
    ] as const) {
      const patterns = diseaseCodes(
        DISEASES[disease] ?? (DISEASES[0] as (typeof DISEASES)[number]),
      );
      const codes = readCsv(map ?? "").rows.filter((r) => r.fields["phenotype"] === phenotype);
      t.ok(codes.length > 10);
      for (const { fields } of codes) {
        const vocabulary = fields["icd_version"] === "9" ? "ICD9CM" : "ICD10CM";
        t.ok(matchesAny(icdCode(vocabulary, fields["code"] ?? ""), patterns), fields["code"] ?? "");
      }
    }
    t.end();
  },
);
