/** Rows of a made-up MIMIC-IV patient, and the store of a root made of such rows. */
import { join } from "node:path";
import type { Test } from "tap";
import type { EventStore } from "../../core/event-store.ts";
import { mimic4Files, type Row, storeOf, type Tables, writeRoot } from "./made-up-mimic.ts";

export const patient = (subject_id: number, more: Row = {}): Row => ({
  subject_id,
  gender: "F",
  anchor_age: 50,
  anchor_year: 2150,
  anchor_year_group: "2011 - 2013",
  ...more,
});
export const admission = (subject_id: number, hadm_id: number, more: Row = {}): Row => ({
  subject_id,
  hadm_id,
  admittime: "2150-03-01 10:00:00",
  dischtime: "2150-03-05 14:00:00",
  admission_type: "URGENT",
  discharge_location: "HOME",
  race: "WHITE",
  hospital_expire_flag: 0,
  ...more,
});
export const diagnosis = (
  subject_id: number,
  hadm_id: number,
  icd_code: string,
  icd_version = 9,
): Row => ({
  subject_id,
  hadm_id,
  seq_num: 1,
  icd_code,
  icd_version,
});
export const drug = (subject_id: number, hadm_id: number, more: Row = {}): Row => ({
  subject_id,
  hadm_id,
  starttime: "2150-03-02 08:00:00",
  stoptime: "2150-03-03 08:00:00",
  drug_type: "MAIN",
  drug: "Zzyzxol",
  ndc: "0",
  route: "PO",
  ...more,
});

export async function ingested(t: Test, tables: Tables): Promise<EventStore> {
  const root = writeRoot(join(t.testdir({}), "root"), mimic4Files(tables));
  const store = await storeOf("mimic4", root);
  t.teardown(() => store.close());
  return store;
}
