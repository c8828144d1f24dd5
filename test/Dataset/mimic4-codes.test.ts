import t from "tap";
import { eventsOf, rowsOf, type Tables } from "./made-up-mimic.ts";
import { admission, diagnosis, drug, ingested, patient } from "./made-up-mimic4.ts";

t.test(
  "one string is two codes in two versions, and zeros and blanks do not change a code",
  async (t) => {
    const store = await ingested(t, {
      "hosp/patients": [patient(1)],
      "hosp/admissions": [
        admission(1, 11),
        admission(1, 12, { admittime: "2151-03-01 10:00:00", dischtime: "2151-03-02 10:00:00" }),
      ],
      "hosp/diagnoses_icd": [
        diagnosis(1, 11, "E8809", 9),
        diagnosis(1, 11, "0389", 9),
        diagnosis(1, 11, "0040 ", 9),
        diagnosis(1, 11, "V5867", 9),
        diagnosis(1, 12, "E8809", 10), // a patient may have both versions
        diagnosis(1, 12, "I10", 10),
      ],
      "hosp/procedures_icd": [
        { ...diagnosis(1, 11, "0066", 9), chartdate: "2150-03-02" },
        { ...diagnosis(1, 12, "02HV33Z", 10), chartdate: "2151-03-01" },
      ],
      "hosp/d_icd_diagnoses": [
        { icd_code: "E8809", icd_version: 9, long_title: "Fall on stairs" },
        {
          icd_code: "E8809",
          icd_version: 10,
          long_title: "Other disorders of plasma-protein metabolism",
        },
      ],
    });
    const codes = await rowsOf(
      store,
      "SELECT code, description, kind, parent_codes FROM codes WHERE kind IN ('diagnosis', 'procedure')",
    );
    t.same(codes, [
      {
        code: "ICD10CM/E88.09",
        description: "Other disorders of plasma-protein metabolism",
        kind: "diagnosis",
        parent_codes: ["ICD10CM/E88.0"],
      },
      { code: "ICD10CM/I10", description: null, kind: "diagnosis", parent_codes: null },
      {
        code: "ICD10PCS/02HV33Z",
        description: null,
        kind: "procedure",
        parent_codes: ["ICD10PCS/02HV33"],
      },
      { code: "ICD9CM/004.0", description: null, kind: "diagnosis", parent_codes: ["ICD9CM/004"] },
      { code: "ICD9CM/038.9", description: null, kind: "diagnosis", parent_codes: ["ICD9CM/038"] },
      {
        code: "ICD9CM/E880.9",
        description: "Fall on stairs",
        kind: "diagnosis",
        parent_codes: ["ICD9CM/E880"],
      },
      {
        code: "ICD9CM/V58.67",
        description: null,
        kind: "diagnosis",
        parent_codes: ["ICD9CM/V58.6"],
      },
      {
        code: "ICD9Proc/00.66",
        description: null,
        kind: "procedure",
        parent_codes: ["ICD9Proc/00.6"],
      },
    ]);
  },
);

t.test(
  "procedures are known at the end of their day, at the discharge at the latest",
  async (t) => {
    const on = (chartdate: string, icd_code: string) => ({
      ...diagnosis(1, 11, icd_code),
      chartdate,
    });
    const store = await ingested(t, {
      "hosp/patients": [patient(1)],
      "hosp/admissions": [admission(1, 11)],
      "hosp/procedures_icd": [on("2150-03-02", "3893"), on("2150-03-05", "3894"), on("", "3895")],
    });
    t.same(await eventsOf(store, "code LIKE 'ICD9Proc/%'"), [
      "2150-03-02 23:59:59 ICD9Proc/38.93",
      "2150-03-05 14:00:00 ICD9Proc/38.94",
      "2150-03-05 14:00:00 ICD9Proc/38.95",
    ]);
  },
);

t.test(
  "orders belong to the stay that their row names, wherever they start; intervals are not used",
  async (t) => {
    const store = await ingested(t, {
      "hosp/patients": [patient(1)],
      "hosp/admissions": [
        admission(1, 11),
        admission(1, 12, { admittime: "2150-03-05 20:00:00", dischtime: "2150-03-09 10:00:00" }),
      ],
      "hosp/prescriptions": [
        drug(1, 12, { drug: "early", starttime: "2150-03-05 12:00:00" }), // before its own stay, inside the other
        drug(1, 11, { drug: "late", starttime: "2150-03-06 12:00:00" }),
        drug(1, 11, { drug: "backwards", stoptime: "2150-03-01 08:00:00" }),
        drug(1, 11, { drug: "no start", starttime: "" }),
      ],
    });
    const found = await rowsOf(
      store,
      "SELECT text_value, visit_id, strftime(time, '%m-%d %H') AS at FROM events WHERE text_value IS NOT NULL",
    );
    t.same(found, [
      { text_value: "backwards", visit_id: 11, at: "03-02 08" },
      { text_value: "early", visit_id: 12, at: "03-05 12" },
      { text_value: "no start", visit_id: 11, at: "03-05 14" },
      { text_value: "late", visit_id: 11, at: "03-06 12" },
    ]);
  },
);

t.test(
  "drugs keep name, type and route as written; unmapped ones take their NDC, else their name",
  async (t) => {
    const store = await ingested(t, {
      "hosp/patients": [patient(1)],
      "hosp/admissions": [admission(1, 11)],
      "hosp/prescriptions": [
        drug(1, 11, {
          drug: ' Zzyzxol "Forte", 5 mg ',
          ndc: "338004904",
          drug_type: "BASE",
          route: "IV",
        }),
        drug(1, 11, { drug: " Zzyzxol ", ndc: "0" }),
        drug(1, 11, { drug: "", ndc: "" }),
        drug(1, 11, { drug: "Vancomycin", ndc: "00409653349", route: "IV" }),
      ],
    });
    const found = await rowsOf(
      store,
      "SELECT code, text_value, drug_type, route, c.description, c.parent_codes FROM events JOIN codes c USING (code) WHERE c.kind = 'drug' ORDER BY code",
    );
    t.same(
      found.map((row) => [row["code"], row["text_value"], row["drug_type"], row["route"]]),
      [
        ["ATC/J01XA01", "Vancomycin", "MAIN", "IV"],
        ["DRUG/zzyzxol", " Zzyzxol ", "MAIN", "PO"],
        ["NDC/00338004904", ' Zzyzxol "Forte", 5 mg ', "BASE", "IV"],
      ],
    );
    t.match(found[0], { description: /vancomycin/i, parent_codes: ["ATC/J01XA"] });
    t.match(found[2], { description: ' Zzyzxol "Forte", 5 mg ' });
    t.same(store.info.rows_dropped, [{ table: "prescriptions", reason: "no code", rows: 1 }]);
    t.same(store.info.drug_rows, { file: 0, ndc: 0, name: 1, unmapped: 3 });
  },
);

t.test("repeated rows are repeated events", async (t) => {
  const store = await ingested(t, {
    "hosp/patients": [patient(1)],
    "hosp/admissions": [admission(1, 11)],
    "hosp/diagnoses_icd": [diagnosis(1, 11, "4280"), diagnosis(1, 11, "4280")],
    "hosp/prescriptions": [drug(1, 11), drug(1, 11), drug(1, 11)],
  });
  t.same((await eventsOf(store, "code = 'DRUG/zzyzxol'")).length, 3);
  t.same((await eventsOf(store, "code = 'ICD9CM/428.0'")).length, 2);
});

t.test("moving a patient's dates by days moves the events and changes nothing else", async (t) => {
  const tables = (year: number): Tables => ({
    "hosp/patients": [patient(1, { anchor_year: year })],
    "hosp/admissions": [
      admission(1, 11, {
        admittime: `${year}-05-01 10:00:00`,
        dischtime: `${year}-05-03 14:00:00`,
      }),
    ],
    "hosp/diagnoses_icd": [diagnosis(1, 11, "4280")],
    "hosp/prescriptions": [drug(1, 11, { starttime: `${year}-05-02 08:00:00` })],
  });
  const relative = `SELECT code, epoch(time - min(time) FILTER (code LIKE 'HOSPITAL_ADMISSION%') OVER ()) AS s
    FROM events WHERE code <> 'MEDS_BIRTH'`;
  const one = await rowsOf(await ingested(t, tables(2150)), relative);
  const other = await rowsOf(await ingested(t, tables(2181)), relative);
  t.same(one, other);
  t.equal(one.length, 6);
});
