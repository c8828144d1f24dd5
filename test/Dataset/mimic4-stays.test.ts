import t from "tap";
import { eventsOf, rowsOf } from "./made-up-mimic.ts";
import { admission, diagnosis, drug, ingested, patient } from "./made-up-mimic4.ts";

t.test(
  "a stay becomes birth, sex, race, admission, events and discharge, static ones first",
  async (t) => {
    const store = await ingested(t, {
      "hosp/patients": [patient(1)],
      "hosp/admissions": [admission(1, 11)],
      "icu/icustays": [
        {
          subject_id: 1,
          hadm_id: 11,
          stay_id: 111,
          first_careunit: "MICU",
          last_careunit: "SICU",
          intime: "2150-03-01 11:00:00",
          outtime: "2150-03-02 11:00:00",
        },
      ],
      "hosp/diagnoses_icd": [diagnosis(1, 11, "4280")],
      "hosp/prescriptions": [drug(1, 11)],
    });
    t.same(await eventsOf(store), [
      "static Gender/F",
      "static Race/WHITE",
      "2100-01-01 00:00:00 MEDS_BIRTH",
      "2150-03-01 10:00:00 HOSPITAL_ADMISSION/URGENT",
      "2150-03-01 11:00:00 ICU_ADMISSION/MICU",
      "2150-03-02 08:00:00 DRUG/zzyzxol",
      "2150-03-02 11:00:00 ICU_DISCHARGE/SICU",
      "2150-03-05 14:00:00 ICD9CM/428.0",
      "2150-03-05 14:00:00 HOSPITAL_DISCHARGE/HOME",
    ]);
    t.same(await rowsOf(store, "SELECT subject_id, sex, race FROM subjects"), [
      { subject_id: 1, sex: "F", race: "WHITE" },
    ]);
    t.same(await rowsOf(store, "SELECT visit_id, icu_stay_id, unit FROM icu_stays"), [
      { visit_id: 11, icu_stay_id: 111, unit: "MICU" },
    ]);
    t.same(store.info.rows_dropped, []);
  },
);

t.test("stays that cannot be are dropped with their rows, and everything is counted", async (t) => {
  const store = await ingested(t, {
    "hosp/patients": [patient(1)],
    "hosp/admissions": [
      admission(1, 11),
      admission(1, 12, { dischtime: "2150-03-01 10:00:00" }),
      admission(1, 13, { dischtime: "2150-02-01 10:00:00" }),
      admission(1, 14, { dischtime: "" }),
      admission(1, 15, { admittime: "" }),
      admission(9, 16), // nobody
    ],
    "hosp/diagnoses_icd": [
      diagnosis(1, 11, "4280"),
      diagnosis(1, 11, ""),
      diagnosis(1, 11, "4280", 8),
      diagnosis(1, 12, "4280"),
      diagnosis(1, 14, "4280"),
      diagnosis(1, 99, "4280"),
      diagnosis(2, 11, "4280"), // somebody else's admission, and nobody
      diagnosis(9, 16, "4280"),
    ],
    "hosp/prescriptions": [
      { ...drug(1, 11), hadm_id: "" },
      { ...drug(1, 11), hadm_id: "", starttime: "" },
    ],
    "icu/icustays": [
      { subject_id: 1, hadm_id: 12, stay_id: 1, intime: "2150-03-01 11:00:00" },
      { subject_id: 1, hadm_id: 98, stay_id: 2, intime: "2150-03-01 11:00:00" },
      { subject_id: 1, hadm_id: 11, stay_id: 3, intime: "" },
      { subject_id: 1, hadm_id: 11, stay_id: 4, intime: "2150-03-01 11:00:00", outtime: "" },
    ],
  });
  const rows = store.info.rows_dropped.map((d) => `${d.table}: ${d.reason}: ${d.rows}`);
  t.same(rows, [
    "visits: discharge not after admission: 2",
    "visits: no admission time: 1",
    "visits: no discharge time: 1",
    "visits: unknown subject: 1",
    "icu_stays: admission dropped: discharge not after admission: 1",
    "icu_stays: no time: 1",
    "icu_stays: unknown admission: 1",
    "diagnoses_icd: unknown subject: 2",
    "diagnoses_icd: unknown admission: 1",
    "diagnoses_icd: admission dropped: discharge not after admission: 1",
    "diagnoses_icd: admission dropped: no discharge time: 1",
    "diagnoses_icd: no code: 1",
    "diagnoses_icd: unknown ICD version: 1",
    "prescriptions: no time: 1",
  ]);
  t.same(store.info.rows_read["diagnoses_icd"], 8);
  t.equal(store.info.visits, 1);
  t.same(await rowsOf(store, "SELECT visit_id FROM visits"), [{ visit_id: 11 }]);
  t.same(
    await eventsOf(store, "visit_id IS NULL AND code LIKE 'DRUG/%'"),
    ["2150-03-02 08:00:00 DRUG/zzyzxol"],
    "an order without admission is an event outside any visit",
  );
  t.same(await eventsOf(store, "code LIKE 'ICU%'"), ["2150-03-01 11:00:00 ICU_ADMISSION/UNKNOWN"]);
});

t.test("a death during the stay is the discharge's name and the death's time", async (t) => {
  const dead = { hospital_expire_flag: 1, discharge_location: "DIED" };
  const store = await ingested(t, {
    "hosp/patients": [1, 2, 3, 4].map((id) => patient(id, id === 4 ? {} : { dod: "2150-03-05" })),
    "hosp/admissions": [
      admission(1, 11, { ...dead, deathtime: "2150-03-05 18:00:00" }), // written later than the discharge
      admission(2, 12, { ...dead, deathtime: "2150-03-05 09:00:00" }), // and earlier
      admission(3, 13), // died on the day of discharge, without a clock
      admission(4, 14, { discharge_location: "DIED" }), // the flag says otherwise
    ],
    "hosp/diagnoses_icd": [diagnosis(1, 11, "4280"), diagnosis(2, 12, "4280")],
  });
  const ends = "code LIKE 'HOSPITAL_DISCHARGE%' OR code = 'MEDS_DEATH' OR code LIKE 'ICD%'";
  t.same(await eventsOf(store, `subject_id = 1 AND (${ends})`), [
    "2150-03-05 14:00:00 ICD9CM/428.0",
    "2150-03-05 14:00:00 HOSPITAL_DISCHARGE/DIED",
    "2150-03-05 18:00:00 MEDS_DEATH",
  ]);
  t.same(await eventsOf(store, `subject_id = 2 AND (${ends})`), [
    "2150-03-05 09:00:00 ICD9CM/428.0",
    "2150-03-05 09:00:00 MEDS_DEATH",
    "2150-03-05 14:00:00 HOSPITAL_DISCHARGE/DIED",
  ]);
  t.same(await eventsOf(store, `subject_id = 3 AND (${ends})`), [
    "2150-03-05 14:00:00 HOSPITAL_DISCHARGE/HOME",
    "2150-03-05 23:59:59 MEDS_DEATH",
  ]);
  t.same(await eventsOf(store, `subject_id = 4 AND (${ends})`), [
    "2150-03-05 14:00:00 HOSPITAL_DISCHARGE/UNKNOWN",
  ]);
  t.same(await rowsOf(store, "SELECT visit_id, died FROM visits ORDER BY visit_id"), [
    { visit_id: 11, died: 1 },
    { visit_id: 12, died: 1 },
    { visit_id: 13, died: 0 },
    { visit_id: 14, died: 0 },
  ]);
});

t.test(
  "race is that of the first admission, by time and not by number or place in the file, if any",
  async (t) => {
    const store = await ingested(t, {
      "hosp/patients": [patient(1, { gender: "" }), patient(2, { gender: "" })],
      "hosp/admissions": [
        admission(1, 11, { race: "UNKNOWN", admittime: "2150-03-03 10:00:00" }),
        admission(1, 12, { race: "ASIAN", admittime: "2149-03-01 10:00:00" }),
        admission(1, 13, { race: "WHITE", admittime: "" }),
        admission(2, 21, { race: "", admittime: "2149-03-01 10:00:00" }),
        admission(2, 22, { race: "BLACK", admittime: "2150-03-03 10:00:00" }),
      ],
    });
    t.same(await eventsOf(store, "time IS NULL"), ["static Race/ASIAN"]);
    // What the second stay says about race would tell the first one that it is coming.
    t.same(await rowsOf(store, "SELECT sex, race FROM subjects ORDER BY subject_id"), [
      { sex: null, race: "ASIAN" },
      { sex: null, race: null },
    ]);
  },
);

t.test(
  "observation stays are visits, and several ICU stays do not multiply an admission",
  async (t) => {
    const icu = (stay_id: number, hour: number) => ({
      subject_id: 1,
      hadm_id: 11,
      stay_id,
      first_careunit: "MICU",
      last_careunit: "MICU",
      intime: `2150-03-02 0${hour}:00:00`,
      outtime: `2150-03-02 0${hour + 1}:00:00`,
    });
    const store = await ingested(t, {
      "hosp/patients": [patient(1)],
      "hosp/admissions": [
        admission(1, 11, {
          admission_type: "EU OBSERVATION",
          discharge_location: "",
          edregtime: "2150-02-28 10:00:00",
        }),
      ],
      "icu/icustays": [icu(3, 5), icu(1, 1), icu(2, 3)],
    });
    t.same(await rowsOf(store, "SELECT visit_type, admission_type FROM visits"), [
      { visit_type: "inpatient", admission_type: "EU OBSERVATION" },
    ]);
    t.same(await eventsOf(store, "code LIKE 'HOSPITAL%'"), [
      "2150-03-01 10:00:00 HOSPITAL_ADMISSION/EU OBSERVATION",
      "2150-03-05 14:00:00 HOSPITAL_DISCHARGE/UNKNOWN",
    ]);
    t.same(
      (await rowsOf(store, "SELECT icu_stay_id FROM icu_stays")).map((row) => row["icu_stay_id"]),
      [1, 2, 3],
    );
  },
);

t.test("times are taken as written, also in hours that a zone would skip", async (t) => {
  const store = await ingested(t, {
    "hosp/patients": [patient(1)],
    "hosp/admissions": [
      admission(1, 11, { admittime: "2150-03-08 02:30:00", dischtime: "2150-11-01 01:30:00" }),
    ],
  });
  const found = await store.query("SELECT start_time, end_time FROM visits");
  t.equal(found.numbers("start_time")[0], Date.UTC(2150, 2, 8, 2, 30) * 1000);
  t.equal(found.numbers("end_time")[0], Date.UTC(2150, 10, 1, 1, 30) * 1000);
});
