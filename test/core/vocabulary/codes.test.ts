import t from "tap";
import { officialCode, splitCode, vocabularyName } from "../../../core/vocabulary/codes.ts";

t.test("vocabularies are known by the names others give them", (t) => {
  for (const name of ["ICD9CM", "icd9", "ICD-9-CM", "icd_9"])
    t.equal(vocabularyName(name), "ICD9CM");
  for (const name of ["ICD10PCS", "ICD-10-PCS"]) t.equal(vocabularyName(name), "ICD10PCS");
  t.equal(vocabularyName("ICD-9-PCS"), "ICD9Proc");
  t.equal(vocabularyName("RXNORM"), "RxNorm");
  t.equal(vocabularyName("ICD11"), null);
  t.end();
});

t.test("a bare string becomes another code in each vocabulary", (t) => {
  t.equal(officialCode("icd9", "E8809"), "ICD9CM/E880.9");
  t.equal(officialCode("icd10", "E8809"), "ICD10CM/E88.09");
  t.equal(officialCode("ICD-9-CM", " 250.00 "), "ICD9CM/250.00");
  t.equal(officialCode("icd9proc", "4280"), "ICD9Proc/42.80");
  t.equal(officialCode("ICD10PCS", "02hv33z"), "ICD10PCS/02HV33Z");
  t.equal(officialCode("atc", "j01xa01"), "ATC/J01XA01");
  t.equal(officialCode("ndc", "338004904"), "NDC/00338004904");
  t.equal(officialCode("SNOMED", "59621000"), "SNOMED/59621000");
  t.end();
});

t.test("what cannot be a code is null, not a guess", (t) => {
  t.equal(officialCode("icd9", "I10"), null, "ICD-10 under ICD-9");
  t.equal(officialCode("icd9", "25"), null, "a zero was lost");
  t.equal(officialCode("icd10", "4019"), null);
  t.equal(officialCode("icd10pcs", "02HV33"), null);
  t.equal(officialCode("icd10pcs", "02HV3OZ"), null, "O is no character of ICD-10-PCS");
  t.equal(officialCode("atc", "J1"), null);
  t.equal(officialCode("ndc", "0"), null);
  t.equal(officialCode("icd11", "BA00"), null);
  t.equal(officialCode("icd9", " "), null);
  t.same(splitCode("MEDS_BIRTH"), ["", "MEDS_BIRTH"]);
  t.end();
});
