import { gzipSync } from "node:zlib";
import t, { type Test } from "tap";
import { BenchError } from "../../../core/errors.ts";
import { createDrugMapper } from "../../../Dataset/drugs/index.ts";
import { loadDrugMap, mapKey } from "../../../Dataset/drugs/map-file.ts";

function refusal(t: Test, text: string, required: "any" | "ndc" = "any"): BenchError {
  const file = `${t.testdir({ "map.csv": text })}/map.csv`;
  try {
    loadDrugMap(file, required);
  } catch (error) {
    if (error instanceof BenchError) return error;
    throw error;
  }
  throw new Error("the map was accepted");
}

t.test("a proper map is read, with a byte order mark, capitals and gzip", async (t) => {
  const text = "\ufeffDrug,ATC_code,note\n Aspirin ,b01ac06,low dose\n";
  const dir = t.testdir({ "map.csv": text, "map.csv.gz": gzipSync(text) });
  for (const file of ["map.csv", "map.csv.gz"]) {
    t.equal(loadDrugMap(`${dir}/${file}`, "any").codes.get(mapKey("aspirin", null)), "B01AC06");
  }
});

t.test("missing columns are named", async (t) => {
  t.match(refusal(t, "name,atc_code\na,A11BA\n").fix, /drug or ndc/);
  t.match(refusal(t, "drug,code\na,A11BA\n").message, /drug, code/);
  t.match(refusal(t, "drug,atc_code\na,A11BA\n", "ndc").fix, /ndc and atc_code/);
});

t.test("a bad code, NDC or empty key is refused with file and line", async (t) => {
  const code = refusal(t, "drug,atc_code\nx,A11BA\ny,J01XA1\n");
  t.match(code.message, /J01XA1/);
  t.match(code.where, /map\.csv, line 3$/);
  t.match(refusal(t, "drug,atc_code\nx,\n").where, /line 2$/);
  t.match(refusal(t, "drug,atc_code\nx,J01\n").message, /fourth or fifth level/);
  t.match(refusal(t, "ndc,atc_code\n0,A11BA\n").message, /"0" is not an NDC/);
  t.match(refusal(t, "ndc,atc_code\n12345678901234,A11BA\n").message, /not an NDC/);
  t.match(refusal(t, "drug,ndc,atc_code\n,,A11BA\n").message, /names no drug/);
});

t.test("a drug that is given twice is refused with both lines", async (t) => {
  const conflict = refusal(t, "drug,atc_code\nAspirin,B01AC06\naspirin ,N02BA01\n");
  t.match(conflict.message, /aspirin.*N02BA01.*B01AC06.*line 2/);
  t.match(conflict.where, /line 3$/);
  t.match(refusal(t, "ndc,atc_code\n2821501,A10AB01\n00002821501,A10AB01\n").message, /again/);
});

t.test("a file that is missing, damaged or no table is refused", async (t) => {
  const dir = t.testdir({ "bad.csv.gz": "not gzip", "ragged.csv": "drug,atc_code\nx,A11BA,3\n" });
  for (const file of ["none.csv", "bad.csv.gz", "ragged.csv"]) {
    t.throws(() => loadDrugMap(`${dir}/${file}`, "any"), BenchError, file);
  }
  await t.rejects(createDrugMapper({ ndcMapFile: `${dir}/none.csv` }), BenchError);
});
