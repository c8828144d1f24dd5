import { join } from "node:path";
import t, { type Test } from "tap";
import type { EventStore } from "../../core/event-store.ts";
import {
  eventsOf,
  mimic3Files,
  type Row,
  rowsOf,
  storeOf,
  type Tables,
  writeRoot,
} from "./made-up-mimic.ts";

const patient = (subject_id: number, more: Row = {}): Row => ({
  subject_id,
  gender: "M",
  dob: "2100-06-15 00:00:00",
  ...more,
});
const admission = (subject_id: number, hadm_id: number, more: Row = {}): Row => ({
  subject_id,
  hadm_id,
  admittime: "2150-03-01 10:00:00",
  dischtime: "2150-03-05 14:00:00",
  admission_type: "EMERGENCY",
  discharge_location: "HOME",
  ethnicity: "WHITE",
  diagnosis: "PNEUMONIA",
  hospital_expire_flag: 0,
  ...more,
});
const drug = (subject_id: number, hadm_id: number, more: Row = {}): Row => ({
  subject_id,
  hadm_id,
  startdate: "2150-03-02 00:00:00",
  enddate: "2150-03-01 00:00:00",
  drug_type: "MAIN",
  drug: "Zzyzxol",
  ndc: "0",
  route: "PO",
  ...more,
});

async function ingested(t: Test, tables: Tables): Promise<EventStore> {
  const root = writeRoot(join(t.testdir({}), "root"), mimic3Files(tables));
  const store = await storeOf("mimic3", root);
  t.teardown(() => store.close());
  return store;
}

t.test(
  "diagnoses and procedures are known at discharge, drugs at the end of their day (TE7, E3)",
  async (t) => {
    const code = (icd9_code: string) => ({ subject_id: 1, hadm_id: 11, seq_num: 1, icd9_code });
    const store = await ingested(t, {
      PATIENTS: [patient(1)],
      ADMISSIONS: [admission(1, 11)],
      DIAGNOSES_ICD: [code("4280"), { subject_id: 1, hadm_id: 11 }],
      PROCEDURES_ICD: [code("0066")],
      PRESCRIPTIONS: [
        drug(1, 11),
        drug(1, 11, { drug: "On the last day", startdate: "2150-03-05 00:00:00" }),
        drug(1, 11, { drug: "Without date", startdate: "" }),
        drug(1, 11, { drug: "After", startdate: "2150-03-06 00:00:00" }),
      ],
      D_ICD_PROCEDURES: [{ icd9_code: "0066", short_title: "PTCA", long_title: "Percutaneous" }],
    });
    t.same(await eventsOf(store), [
      "static Gender/M",
      "static Race/WHITE",
      "2100-06-15 00:00:00 MEDS_BIRTH",
      "2150-03-01 10:00:00 HOSPITAL_ADMISSION/EMERGENCY",
      "2150-03-02 23:59:59 DRUG/zzyzxol",
      "2150-03-05 14:00:00 ICD9CM/428.0",
      "2150-03-05 14:00:00 ICD9Proc/00.66",
      "2150-03-05 14:00:00 DRUG/on the last day",
      "2150-03-05 14:00:00 DRUG/without date",
      "2150-03-05 14:00:00 HOSPITAL_DISCHARGE/HOME",
      "2150-03-06 23:59:59 DRUG/after",
    ]);
    t.same(
      store.info.rows_dropped,
      [{ table: "diagnoses_icd", reason: "no code", rows: 1 }],
      "the admission of the row without code stays",
    );
    t.same(
      await rowsOf(
        store,
        "SELECT code, description FROM codes WHERE code LIKE 'ICD%' ORDER BY code",
      ),
      [
        { code: "ICD9CM/428.0", description: null },
        { code: "ICD9Proc/00.66", description: "Percutaneous" },
      ],
      "a code that the dictionary lacks is kept",
    );
  },
);

t.test("a birth 300 years back becomes age 90 at the first admission, others stay", async (t) => {
  const store = await ingested(t, {
    PATIENTS: [
      patient(1, { dob: "1850-03-01 00:00:00" }),
      patient(2, { dob: "2061-03-01 00:00:00" }),
      patient(3, { dob: "2150-03-01 00:00:00" }),
      patient(4, { dob: "" }),
    ],
    ADMISSIONS: [
      admission(1, 11, { admittime: "2150-03-01 00:00:00" }),
      admission(1, 12, { admittime: "2153-03-01 00:00:00", dischtime: "2153-03-02 00:00:00" }),
      admission(2, 13),
      admission(3, 14, { admission_type: "NEWBORN" }),
      admission(4, 15),
    ],
  });
  const found = await rowsOf(
    store,
    "SELECT visit_id, date_diff('year', birth_time, start_time) AS age FROM visits JOIN subjects USING (subject_id) WHERE birth_time IS NOT NULL ORDER BY visit_id",
  );
  t.same(found, [
    { visit_id: 11, age: 90 },
    { visit_id: 12, age: 93 },
    { visit_id: 13, age: 89 },
    { visit_id: 14, age: 0 },
  ]);
  t.same(await eventsOf(store, "code = 'MEDS_BIRTH' AND subject_id = 4"), []);
});

t.test("a donor's account after the death is no stay, and its rows go with it", async (t) => {
  const death = "2150-03-05 14:00:00";
  const store = await ingested(t, {
    PATIENTS: [
      patient(1, { dod: "2150-03-05 00:00:00" }),
      patient(2, { dod: "2150-04-01 00:00:00" }),
    ],
    ADMISSIONS: [
      admission(1, 11, { hospital_expire_flag: 1, deathtime: death }),
      admission(1, 12, {
        admittime: death,
        dischtime: "2150-03-06 10:00:00",
        deathtime: death,
        hospital_expire_flag: 1,
        diagnosis: "ORGAN DONOR ACCOUNT",
      }),
      admission(2, 13, { diagnosis: "KIDNEY DONOR" }), // a living donor is a patient
    ],
    PROCEDURES_ICD: [{ subject_id: 1, hadm_id: 12, seq_num: 1, icd9_code: "5011" }],
  });
  t.same(await rowsOf(store, "SELECT visit_id FROM visits ORDER BY visit_id"), [
    { visit_id: 11 },
    { visit_id: 13 },
  ]);
  t.same(store.info.rows_dropped, [
    { table: "visits", reason: "organ donor account", rows: 1 },
    { table: "procedures_icd", reason: "admission dropped: organ donor account", rows: 1 },
  ]);
  t.same(await eventsOf(store, "code = 'MEDS_DEATH'"), [
    `${death} MEDS_DEATH`,
    "2150-04-01 23:59:59 MEDS_DEATH",
  ]);
});
