/**
 * Small sound roots of every source, ways to damage them, and what must hold of a store that was made of a
 * damaged one all the same: every row that was read is an event or counted, and no subject has changed whose
 * rows have not.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { BenchError } from "../../core/errors.ts";
import type { EventStore } from "../../core/event-store.ts";
import { sha256 } from "../../core/hash.ts";
import type { Random } from "../../core/random.ts";
import { Database } from "../../Dataset/duckdb.ts";
import { mimic3Files, mimic4Files, type Row, rowsOf, storeOf, writeRoot } from "./made-up-mimic.ts";
import { admission, diagnosis, drug, patient } from "./made-up-mimic4.ts";

/** A source with a sound root. */
export interface SoundSource {
  readonly name: string;
  readonly dataset: string;
  readonly root: string;
}

const SUBJECTS = [1001, 1002, 1003, 1004];

function mimic4Tables() {
  return {
    "hosp/patients": SUBJECTS.map((id) => patient(id, { anchor_age: 40 + (id % 10) })),
    "hosp/admissions": SUBJECTS.map((id) => admission(id, id + 5000)),
    "hosp/diagnoses_icd": SUBJECTS.flatMap((id) =>
      ["4280", "25000", "E8788"].map((code) => diagnosis(id, id + 5000, code)),
    ),
    "hosp/prescriptions": SUBJECTS.map((id) => drug(id, id + 5000, { drug: "Heparin, porcine" })),
  };
}

function mimic3Tables(): Record<string, Row[]> {
  return {
    PATIENTS: SUBJECTS.map((id) => ({ SUBJECT_ID: id, GENDER: "F", DOB: "2090-02-03 00:00:00" })),
    ADMISSIONS: SUBJECTS.map((id) => ({
      SUBJECT_ID: id,
      HADM_ID: id + 5000,
      ADMITTIME: "2150-03-01 10:00:00",
      DISCHTIME: "2150-03-05 14:00:00",
      ADMISSION_TYPE: "EMERGENCY",
      ETHNICITY: "WHITE",
      DIAGNOSIS: 'PNEUMONIA, "ATYPICAL"',
      HOSPITAL_EXPIRE_FLAG: 0,
    })),
    DIAGNOSES_ICD: SUBJECTS.map((id) => ({
      SUBJECT_ID: id,
      HADM_ID: id + 5000,
      ICD9_CODE: "4280",
    })),
    PRESCRIPTIONS: SUBJECTS.map((id) => ({
      SUBJECT_ID: id,
      HADM_ID: id + 5000,
      STARTDATE: "2150-03-02 00:00:00",
      DRUG_TYPE: "MAIN",
      DRUG: "Metoprolol",
      NDC: "00378001801",
      ROUTE: "PO",
    })),
  };
}

function ehrshotFiles(): Record<string, string> {
  const rows = SUBJECTS.flatMap((id) => [
    `${id},1950-02-03 23:59:00,,SNOMED/3950001,,,,person`,
    `${id},1950-02-03 23:59:00,,Gender/F,,,,person`,
    `${id},2010-01-01 08:00:00,2010-01-05 12:00:00,Visit/IP,,,${id + 5000}.0,visit_occurrence`,
    `${id},2010-01-05 12:00:00,,SNOMED/59621000,,,${id + 5000}.0,condition_occurrence`,
    `${id},2010-01-02 12:00:00,,LOINC/718-7,13.5,g/dL,${id + 5000}.0,measurement`,
  ]);
  const labels = SUBJECTS.map((id) => `${id},2010-01-01 23:59:00,False,boolean`);
  return {
    "data/ehrshot": [
      ",patient_id,start,end,code,value,unit,visit_id,omop_table",
      ...rows.map((row, i) => `${i},${row}`),
    ].join("\n"),
    "splits/person_id_map": ["split,omop_person_id", ...SUBJECTS.map((id) => `train,${id}`)].join(
      "\n",
    ),
    "benchmark/guo_los/labeled_patients": [
      "patient_id,prediction_time,value,label_type",
      ...labels,
    ].join("\n"),
  };
}

function medtokFiles(): Record<string, string> {
  const each = (line: (id: number) => string) => SUBJECTS.map(line).join("\n");
  const stay = "2010-01-01 08:00:00,2010-01-05 12:00:00";
  return {
    patients: `patient_id,dob,dod,Gender,Race\n${each((id) => `${id},1950-02-03 23:59:00,,F,5`)}`,
    admissions: `patient_id,visit_id,start,end,visit_type\n${each((id) => `${id},${id + 5000},${stay},IP`)}`,
    diagnoses: `patient_id,visit_id,code_val,icd_version\n${each((id) => `${id},${id + 5000},4280,9`)}`,
    procedures: `patient_id,visit_id,code_val,icd_version\n${each((id) => `${id},${id + 5000},3893,9`)}`,
    prescriptions: `patient_id,visit_id,start,end,code_val\n${each((id) => `${id},${id + 5000},${stay},209443`)}`,
  };
}

const withEnd = (files: Record<string, string>) =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [name, `${text}\n`]));

async function writeMeds(root: string): Promise<string> {
  const db = await Database.open({ threads: 1 });
  const values = SUBJECTS.flatMap((id) => [
    `(${id}, NULL, 'GENDER//F', NULL, NULL)`,
    `(${id}, TIMESTAMP '1950-02-03', 'MEDS_BIRTH', NULL, NULL)`,
    `(${id}, TIMESTAMP '2010-01-01 08:00:00', 'HOSPITAL_ADMISSION//URGENT//X', NULL, ${id + 5000})`,
    `(${id}, TIMESTAMP '2010-01-02 08:00:00', 'LAB//1', 13.5, ${id + 5000})`,
    `(${id}, TIMESTAMP '2010-01-05 12:00:00', 'HOSPITAL_DISCHARGE//HOME', NULL, ${id + 5000})`,
  ]);
  const rows = `SELECT CAST(s AS BIGINT) AS subject_id, CAST(t AS TIMESTAMP) AS time, c AS code,
    CAST(n AS FLOAT) AS numeric_value, CAST(h AS BIGINT) AS hadm_id FROM (VALUES ${values.join(", ")}) AS r(s, t, c, n, h)`;
  await db.write(rows, join(root, "data", "0.parquet"));
  await db.write(
    `SELECT DISTINCT code FROM (${rows}) ORDER BY code`,
    join(root, "metadata", "codes.parquet"),
  );
  const splits = `SELECT DISTINCT subject_id, 'train' AS split FROM (${rows}) ORDER BY ALL`;
  await db.write(splits, join(root, "metadata", "subject_splits.parquet"));
  db.close();
  writeFileSync(join(root, "metadata", "dataset.json"), '{"meds_version": "0.4.0"}');
  return root;
}

/** A root of every source and layout whose files are csv, plain or gzip, and of MEDS. */
export async function soundSources(dir: string): Promise<readonly SoundSource[]> {
  const csv = (name: string, dataset: string, files: Record<string, string>, gzip = false) => ({
    name,
    dataset,
    root: writeRoot(join(dir, name), files, gzip),
  });
  return [
    csv("mimic3", "mimic3", mimic3Files(mimic3Tables())),
    csv("mimic4", "mimic4", mimic4Files(mimic4Tables())),
    csv("mimic4-gzip", "mimic4", mimic4Files(mimic4Tables()), true),
    csv("ehrshot-original", "ehrshot", withEnd(ehrshotFiles())),
    csv("ehrshot-medtok", "ehrshot", withEnd(medtokFiles())),
    { name: "meds", dataset: "meds", root: await writeMeds(join(dir, "meds")) },
  ];
}

/** Paths below a root of the files that hold data. */
export function dataFiles(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(csv|csv\.gz|parquet)$/.test(name))
    .sort();
}

/** A copy of the root in which one file's bytes are others. */
export function damagedCopy(
  source: SoundSource,
  to: string,
  file: string,
  bytes: Buffer,
): SoundSource {
  cpSync(source.root, to, { recursive: true });
  mkdirSync(dirname(join(to, file)), { recursive: true });
  writeFileSync(join(to, file), bytes);
  return { ...source, root: to };
}

/** PhysioNet's list of checksums for the root as it is. */
export function writeChecksums(root: string): void {
  const lines = dataFiles(root).map((f) => `${sha256(readFileSync(join(root, f)))} ${f}\n`);
  writeFileSync(join(root, "SHA256SUMS.txt"), lines.join(""));
}

/** One to three bytes replaced, taken away or put in. */
export function editBytes(bytes: Buffer, random: Random): Buffer {
  let edited = Buffer.from(bytes);
  const edits = 1 + random.below(3);
  for (let i = 0; i < edits; i++) {
    const at = random.below(edited.length);
    const [before, after] = [edited.subarray(0, at), edited.subarray(at + 1)];
    const byte = Buffer.from([random.below(256)]);
    const kind = random.below(3);
    if (kind === 0) edited = Buffer.concat([before, byte, after]);
    else if (kind === 1) edited = Buffer.concat([before, after]);
    else edited = Buffer.concat([before, byte, edited.subarray(at)]);
  }
  return edited;
}

/** What a store says about each subject, and how many rows became what. */
export interface Snapshot {
  readonly info: EventStore["info"];
  /** Subject -> hash over its events, visits, ICU stays, split and labels. */
  readonly subjects: ReadonlyMap<number, string>;
}

async function snapshot(store: EventStore): Promise<Snapshot> {
  const all = ["subjects", "visits", "icu_stays", "splits", "events"].map(
    (view) => `SELECT subject_id, '${view}' || CAST(v AS VARCHAR) AS line FROM ${view} v`,
  );
  const rows = await rowsOf(
    store,
    `SELECT subject_id, md5(string_agg(line, '|' ORDER BY line)) AS hash FROM (${all.join(" UNION ALL ")}) GROUP BY 1`,
  );
  return {
    info: store.info,
    subjects: new Map(rows.map((row) => [Number(row["subject_id"]), String(row["hash"])])),
  };
}

/** The store of a root, or the error that refused it; anything else that is thrown is a fault. */
export async function attempt(
  source: SoundSource,
  cacheDir: string,
): Promise<Snapshot | BenchError> {
  try {
    const store = await storeOf(source.dataset, source.root, { cacheDir });
    try {
      return await snapshot(store);
    } finally {
      store.close();
    }
  } catch (error) {
    if (error instanceof BenchError) return error;
    throw error;
  }
}

/** Rows of a csv file as another reader sees them, each as one text; undefined where it refuses the file. */
function linesOf(bytes: Buffer, file: string): string[] | undefined {
  try {
    const text = file.endsWith(".gz") ? gunzipSync(bytes) : bytes;
    const table = parse(text, { bom: true, skip_empty_lines: true }) as string[][];
    return table.slice(1).map((row) => row.join("\u0001"));
  } catch {
    return undefined;
  }
}

/** Lines of either that the other lacks, counted with repetition. */
function changedLines(before: readonly string[], after: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of before) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const line of after) counts.set(line, (counts.get(line) ?? 0) - 1);
  return [...counts].filter(([, n]) => n !== 0).map(([line]) => line);
}

/**
 * What is wrong with a store made of a damaged csv file; an empty list when nothing is: as many rows were read
 * as another reader finds, and a subject none of whose rows was touched is as before.
 */
export function faults(
  file: string,
  before: Buffer,
  after: Buffer,
  sound: Snapshot,
  found: Snapshot,
): string[] {
  const [was, is] = [linesOf(before, file), linesOf(after, file)];
  if (was === undefined || is === undefined) return ["another reader refuses the file"];
  const problems: string[] = [];
  const total = (info: Snapshot["info"]) =>
    Object.values(info.rows_read).reduce((a, b) => a + b, 0);
  if (total(found.info) - total(sound.info) !== is.length - was.length) {
    problems.push(
      `${total(found.info) - total(sound.info)} rows more were read, not ${is.length - was.length}`,
    );
  }
  const touched = new Set(
    changedLines(was, is).flatMap((line) =>
      line.split("\u0001").map((field) => Number.parseInt(field, 10)),
    ),
  );
  for (const [subject, hash] of sound.subjects) {
    if (touched.has(subject) || touched.has(subject + 5000)) continue;
    if (found.subjects.get(subject) !== hash) problems.push(`subject ${subject} changed`);
  }
  return problems;
}
