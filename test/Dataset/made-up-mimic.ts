/** Tiny made-up MIMIC roots: tables as rows of objects, written as CSV with the columns of the real files. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { EventStore } from "../../core/event-store.ts";
import { datasets } from "../../Dataset/index.ts";
import { type IngestOptions, ingest } from "../../Dataset/ingest.ts";
import { openStore } from "../../Dataset/store.ts";

export type Row = Readonly<Record<string, string | number>>;
export type Tables = Readonly<Record<string, readonly Row[]>>;

const MIMIC4_COLUMNS: Readonly<Record<string, string>> = {
  "hosp/patients": "subject_id,gender,anchor_age,anchor_year,anchor_year_group,dod",
  "hosp/admissions":
    "subject_id,hadm_id,admittime,dischtime,deathtime,admission_type,admit_provider_id,admission_location,discharge_location,insurance,language,marital_status,race,edregtime,edouttime,hospital_expire_flag",
  "hosp/diagnoses_icd": "subject_id,hadm_id,seq_num,icd_code,icd_version",
  "hosp/procedures_icd": "subject_id,hadm_id,seq_num,chartdate,icd_code,icd_version",
  "hosp/prescriptions":
    "subject_id,hadm_id,pharmacy_id,starttime,stoptime,drug_type,drug,formulary_drug_cd,gsn,ndc,prod_strength,route",
  "hosp/d_icd_diagnoses": "icd_code,icd_version,long_title",
  "hosp/d_icd_procedures": "icd_code,icd_version,long_title",
  "icu/icustays": "subject_id,hadm_id,stay_id,first_careunit,last_careunit,intime,outtime,los",
};

const MIMIC3_COLUMNS: Readonly<Record<string, string>> = {
  PATIENTS: "ROW_ID,SUBJECT_ID,GENDER,DOB,DOD,DOD_HOSP,DOD_SSN,EXPIRE_FLAG",
  ADMISSIONS:
    "ROW_ID,SUBJECT_ID,HADM_ID,ADMITTIME,DISCHTIME,DEATHTIME,ADMISSION_TYPE,ADMISSION_LOCATION,DISCHARGE_LOCATION,INSURANCE,LANGUAGE,RELIGION,MARITAL_STATUS,ETHNICITY,EDREGTIME,EDOUTTIME,DIAGNOSIS,HOSPITAL_EXPIRE_FLAG,HAS_CHARTEVENTS_DATA",
  ICUSTAYS:
    "ROW_ID,SUBJECT_ID,HADM_ID,ICUSTAY_ID,DBSOURCE,FIRST_CAREUNIT,LAST_CAREUNIT,FIRST_WARDID,LAST_WARDID,INTIME,OUTTIME,LOS",
  DIAGNOSES_ICD: "ROW_ID,SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE",
  PROCEDURES_ICD: "ROW_ID,SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE",
  PRESCRIPTIONS:
    "ROW_ID,SUBJECT_ID,HADM_ID,ICUSTAY_ID,STARTDATE,ENDDATE,DRUG_TYPE,DRUG,DRUG_NAME_POE,NDC,ROUTE",
  D_ICD_DIAGNOSES: "ROW_ID,ICD9_CODE,SHORT_TITLE,LONG_TITLE",
  D_ICD_PROCEDURES: "ROW_ID,ICD9_CODE,SHORT_TITLE,LONG_TITLE",
};

function csv(columns: string, rows: readonly Row[]): string {
  const names = columns.split(",");
  const field = (value: string | number | undefined) => {
    const text = String(value ?? "");
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lower = (row: Row) => new Map(Object.entries(row).map(([k, v]) => [k.toLowerCase(), v]));
  const lines = rows.map((row) => {
    const values = lower(row);
    return names.map((name) => field(values.get(name.toLowerCase()))).join(",");
  });
  return [columns, ...lines, ""].join("\n");
}

/** Text of every file of a MIMIC-IV root, by path without extension. */
export function mimic4Files(tables: Tables): Record<string, string> {
  return files(MIMIC4_COLUMNS, tables);
}

/** Text of every file of a MIMIC-III root. */
export function mimic3Files(tables: Tables): Record<string, string> {
  return files(MIMIC3_COLUMNS, tables);
}

function files(columns: Readonly<Record<string, string>>, tables: Tables): Record<string, string> {
  for (const name of Object.keys(tables)) {
    if (columns[name] === undefined) throw new Error(`no table ${name}`);
  }
  return Object.fromEntries(
    Object.entries(columns).map(([name, header]) => [name, csv(header, tables[name] ?? [])]),
  );
}

/** Writes the files below a folder as `.csv`, or `.csv.gz`. */
export function writeRoot(
  folder: string,
  contents: Readonly<Record<string, string | Buffer>>,
  compressed = false,
): string {
  for (const [name, text] of Object.entries(contents)) {
    const path = join(folder, `${name}.csv${compressed ? ".gz" : ""}`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, compressed ? gzipSync(text) : text);
  }
  return folder;
}

/** Ingests a root with one thread and opens the store; the caller closes it. */
export async function storeOf(
  dataset: string,
  root: string,
  options: Partial<IngestOptions> = {},
): Promise<EventStore> {
  const cacheDir = `${root}-cache`;
  const { folder } = await ingest(datasets.get(dataset), {
    root,
    cacheDir,
    threads: 1,
    ...options,
  });
  return openStore(folder, { threads: 1 });
}

/** Rows of a query as objects. */
export async function rowsOf(
  store: Pick<EventStore, "query">,
  sql: string,
): Promise<Record<string, unknown>[]> {
  const found = await store.query(sql);
  const columns = found.names.map((name) => [name, found.values(name)] as const);
  return Array.from({ length: found.rowCount }, (_, i) =>
    Object.fromEntries(columns.map(([name, values]) => [name, values[i]])),
  );
}

/** `time code` of every event that meets a condition, in the store's order. */
export async function eventsOf(store: EventStore, where = "true"): Promise<string[]> {
  const rows = await rowsOf(
    store,
    `SELECT coalesce(strftime(time, '%Y-%m-%d %H:%M:%S'), 'static') || ' ' || code AS line FROM events WHERE ${where}`,
  );
  return rows.map((row) => String(row["line"]));
}
