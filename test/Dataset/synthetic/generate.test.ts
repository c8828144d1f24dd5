import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { BenchError } from "../../../core/errors.ts";
import { generateTwin, type TwinLayout, twinLayouts } from "../../../Dataset/synthetic/index.ts";
import { fileHashes, records, table, tableText } from "./twin-files.ts";

const SMALL = { layout: "mimic4", subjects: 5, seed: 0 } as const;

/** Columns of MIMIC-IV 3.1, in the order of the release. */
const MIMIC4 = {
  "hosp/patients": "subject_id,gender,anchor_age,anchor_year,anchor_year_group,dod",
  "hosp/admissions":
    "subject_id,hadm_id,admittime,dischtime,deathtime,admission_type,admit_provider_id,admission_location,discharge_location,insurance,language,marital_status,race,edregtime,edouttime,hospital_expire_flag",
  "hosp/diagnoses_icd": "subject_id,hadm_id,seq_num,icd_code,icd_version",
  "hosp/procedures_icd": "subject_id,hadm_id,seq_num,chartdate,icd_code,icd_version",
  "hosp/prescriptions":
    "subject_id,hadm_id,pharmacy_id,poe_id,poe_seq,order_provider_id,starttime,stoptime,drug_type,drug,formulary_drug_cd,gsn,ndc,prod_strength,form_rx,dose_val_rx,dose_unit_rx,form_val_disp,form_unit_disp,doses_per_24_hrs,route",
  "hosp/services": "subject_id,hadm_id,transfertime,prev_service,curr_service",
  "hosp/d_icd_diagnoses": "icd_code,icd_version,long_title",
  "hosp/d_icd_procedures": "icd_code,icd_version,long_title",
  "icu/icustays": "subject_id,hadm_id,stay_id,first_careunit,last_careunit,intime,outtime,los",
};

/** Columns of MIMIC-III 1.4, in the order of the release. */
const MIMIC3 = {
  PATIENTS: "ROW_ID,SUBJECT_ID,GENDER,DOB,DOD,DOD_HOSP,DOD_SSN,EXPIRE_FLAG",
  ADMISSIONS:
    "ROW_ID,SUBJECT_ID,HADM_ID,ADMITTIME,DISCHTIME,DEATHTIME,ADMISSION_TYPE,ADMISSION_LOCATION,DISCHARGE_LOCATION,INSURANCE,LANGUAGE,RELIGION,MARITAL_STATUS,ETHNICITY,EDREGTIME,EDOUTTIME,DIAGNOSIS,HOSPITAL_EXPIRE_FLAG,HAS_CHARTEVENTS_DATA",
  ICUSTAYS:
    "ROW_ID,SUBJECT_ID,HADM_ID,ICUSTAY_ID,DBSOURCE,FIRST_CAREUNIT,LAST_CAREUNIT,FIRST_WARDID,LAST_WARDID,INTIME,OUTTIME,LOS",
  DIAGNOSES_ICD: "ROW_ID,SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE",
  PROCEDURES_ICD: "ROW_ID,SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE",
  PRESCRIPTIONS:
    "ROW_ID,SUBJECT_ID,HADM_ID,ICUSTAY_ID,STARTDATE,ENDDATE,DRUG_TYPE,DRUG,DRUG_NAME_POE,DRUG_NAME_GENERIC,FORMULARY_DRUG_CD,GSN,NDC,PROD_STRENGTH,DOSE_VAL_RX,DOSE_UNIT_RX,FORM_VAL_DISP,FORM_UNIT_DISP,ROUTE",
  D_ICD_DIAGNOSES: "ROW_ID,ICD9_CODE,SHORT_TITLE,LONG_TITLE",
  D_ICD_PROCEDURES: "ROW_ID,ICD9_CODE,SHORT_TITLE,LONG_TITLE",
};

const TRUTH = "subject_id,hadm_id,mortality_next,readmission_15d,readmission_30d,mortality_48h";
const TABLES: Record<TwinLayout, Record<string, string>> = { mimic4: MIMIC4, mimic3: MIMIC3 };

for (const layout of twinLayouts) {
  t.test(`${layout}: files, columns and rows are those of the release`, async (t) => {
    const out = join(t.testdir(), "twin");
    const summary = await generateTwin({ layout, subjects: 150, seed: 3, out });
    const expected = Object.keys(TABLES[layout]);
    const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((f) =>
      f.isFile(),
    );
    t.equal(files.length, expected.length + 4, "tables, marker and truth, nothing else");
    for (const [name, columns] of Object.entries(TABLES[layout])) {
      const { header, rows } = table(out, name);
      t.equal(header.join(","), columns, name);
      t.equal(rows.length, summary.rows[name], `${name} has as many rows as the summary says`);
      t.ok(rows.length > 0, `${name} is not empty`);
    }
    const truth = table(out, "truth");
    t.equal(truth.header.join(","), TRUTH);
    t.equal(truth.rows.length, summary.admissions);
    const orders = table(out, "truth_orders");
    const visits = ({ rows }: typeof truth) =>
      rows.map(([subject, visit]) => `${subject} ${visit}`);
    t.same(visits(orders), visits(truth), "the truth about orders is of the same visits");
    t.same(
      Object.keys(summary.rows).sort(),
      expected.sort(),
      "the summary counts the release's tables",
    );
    if (layout === "mimic3") t.match(tableText(out, "PATIENTS"), /^"ROW_ID","SUBJECT_ID",/);
  });

  t.test(`${layout}: same seed same bytes, another seed other people`, async (t) => {
    const dir = t.testdir();
    const make = (name: string, seed: number) =>
      generateTwin({ layout, subjects: 120, seed, out: join(dir, name) });
    await make("a", 1);
    await make("b", 1);
    await make("c", 2);
    t.same(fileHashes(join(dir, "a")), fileHashes(join(dir, "b")));
    const people = Object.keys(TABLES[layout])[1] as string;
    t.not(tableText(join(dir, "a"), people), tableText(join(dir, "c"), people));
  });

  t.test(`${layout}: more subjects leave the earlier ones as they were`, async (t) => {
    const dir = t.testdir();
    await generateTwin({ layout, subjects: 100, seed: 1, out: join(dir, "small") });
    await generateTwin({ layout, subjects: 230, seed: 1, out: join(dir, "large") });
    for (const name of [...Object.keys(TABLES[layout]), "truth", "truth_orders"]) {
      const small = tableText(join(dir, "small"), name);
      t.ok(tableText(join(dir, "large"), name).startsWith(small), name);
    }
  });
}

/** SHA-256 over the text of a twin's tables and its risks of outcomes, as generator version 5 first made them. */
const VERSION_5: Record<TwinLayout, string> = {
  mimic4: "5696dadf797133cd763611f3dd452eebc2882d3611181cf8562ed2410a3a655e",
  mimic3: "337ec1b3c203457f4da60122ddbd6a4c185baf8a136d94eef6bee0d486f985d2",
};

for (const layout of twinLayouts) {
  t.test(`${layout}: what version 5 made, it still makes`, async (t) => {
    const out = join(t.testdir(), "twin");
    await generateTwin({ layout, subjects: 150, seed: 3, out });
    const hash = createHash("sha256");
    for (const name of [...Object.keys(TABLES[layout]), "truth"]) hash.update(tableText(out, name));
    t.equal(hash.digest("hex"), VERSION_5[layout], "raise GENERATOR_VERSION where this is meant");
  });
}

t.test("the marker says what was generated", async (t) => {
  const out = join(t.testdir(), "twin");
  await generateTwin({ layout: "mimic4", subjects: 5, seed: 9, out, structure: "none" });
  const marker = JSON.parse(readFileSync(join(out, "SYNTHETIC.json"), "utf8"));
  t.match(marker, { layout: "mimic4", release: "3.1", subjects: 5, seed: 9, structure: "none" });
  t.type(marker.generator_version, "number");
});

t.test("of two at once one takes the name, and the other leaves it whole", async (t) => {
  const dir = t.testdir({});
  const out = join(dir, "twin");
  const both = await Promise.allSettled([0, 1].map(() => generateTwin({ ...SMALL, out })));
  t.same(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  t.ok(existsSync(join(out, "SYNTHETIC.json")));
  t.same(readdirSync(dir), ["twin"], "nothing is left beside it");
});

t.test("what is put into the folder while a twin is made stays", async (t) => {
  const out = join(t.testdir({}), "twin");
  const progress = () => {
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, "mine"), "");
  };
  await t.rejects(generateTwin({ ...SMALL, out, progress }), { message: /not empty/ });
  t.same(readdirSync(out), ["mine"]);
});

t.test("an occupied folder is refused and left alone, an empty one is used", async (t) => {
  const dir = t.testdir({ full: { "notes.txt": "mine" }, empty: {} });
  await t.rejects(generateTwin({ ...SMALL, out: join(dir, "full") }), BenchError);
  t.equal(readFileSync(join(dir, "full", "notes.txt"), "utf8"), "mine");
  await t.rejects(generateTwin({ ...SMALL, out: join(dir, "full", "notes.txt") }), BenchError);
  await generateTwin({ ...SMALL, out: join(dir, "empty") });
  t.ok(existsSync(join(dir, "empty", "hosp", "patients.csv.gz")));
  t.same(readdirSync(dir).sort(), ["empty", "full"], "nothing else is left beside them");
});

t.test("options out of range are refused with the flag's name", async (t) => {
  const out = join(t.testdir(), "twin");
  const options = { layout: "mimic4", subjects: 2, seed: 0, out } as const;
  const refused = async (changed: object, where: string) => {
    const error = await generateTwin({ ...options, ...changed }).catch((e: unknown) => e);
    t.type(error, BenchError);
    t.match(error, { where, exitCode: 2 });
  };
  await refused({ subjects: 0 }, "--subjects");
  await refused({ subjects: 2.5 }, "--subjects");
  await refused({ subjects: 2_000_000 }, "--subjects");
  await refused({ seed: 0.5 }, "--seed");
  await refused({ layout: "eicu" }, "--layout");
  t.notOk(existsSync(out));
});

t.test("an aborted run leaves nothing behind", async (t) => {
  const dir = t.testdir();
  const controller = new AbortController();
  const reason = new Error("stopped by the test");
  const run = generateTwin({
    layout: "mimic4",
    subjects: 5000,
    seed: 0,
    out: join(dir, "twin"),
    signal: controller.signal,
    progress: (done) => {
      if (done >= 300) controller.abort(reason);
    },
  });
  await t.rejects(run, reason);
  t.same(readdirSync(dir), []);
});

t.test("a folder that cannot be written is an error and leaves nothing behind", async (t) => {
  const dir = t.testdir();
  writeFileSync(join(dir, "file"), "");
  const out = join(dir, "file", "twin");
  await t.rejects(generateTwin({ layout: "mimic3", subjects: 3, seed: 0, out }), BenchError);
  t.same(readdirSync(dir), ["file"]);
});

t.test("progress ends at the number of subjects", async (t) => {
  const seen: [number, number][] = [];
  const progress = (done: number, total: number) => void seen.push([done, total]);
  const out = join(t.testdir(), "twin");
  await generateTwin({ layout: "mimic3", subjects: 250, seed: 0, out, progress });
  t.same(seen, [
    [100, 250],
    [200, 250],
    [250, 250],
  ]);
});

t.test("identifiers are unique and of the release's form", async (t) => {
  const out = join(t.testdir(), "twin");
  await generateTwin({ layout: "mimic4", subjects: 600, seed: 0, out });
  const unique = (table: string, column: string, form: RegExp) => {
    const ids = records(out, table).map((row) => row[column] ?? "");
    t.equal(new Set(ids).size, ids.length, `${column} is unique in ${table}`);
    t.ok(
      ids.every((id) => form.test(id)),
      `${column} matches ${form}`,
    );
  };
  unique("hosp/patients", "subject_id", /^1\d{7}$/);
  unique("hosp/admissions", "hadm_id", /^2\d{7}$/);
  unique("icu/icustays", "stay_id", /^3\d{7}$/);
});
