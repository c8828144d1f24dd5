import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import t, { type Test } from "tap";
import { BenchError } from "../../../core/errors.ts";
import { readCodeMap } from "../../../core/vocabulary/code-map.ts";
import { demoRoot } from "../../support/demo-data.ts";

function written(t: Test, text: string): string {
  const file = join(t.testdir(), "map.csv");
  writeFileSync(file, text);
  return file;
}

t.test("an equivalence map keeps every target, and says which are approximate", (t) => {
  const file = written(
    t,
    "icd_9,icd_10,flags\n0010,A000,00000\n25002,E1165,10000\n25002,E1169,10000\nV6110,NoDx,11000\n",
  );
  const { targets, without } = readCodeMap(file);
  t.same(targets.get("ICD9CM/001.0"), [{ code: "ICD10CM/A00.0", approximate: false }]);
  t.same(
    targets.get("ICD9CM/250.02")?.map((x) => x.code),
    ["ICD10CM/E11.65", "ICD10CM/E11.69"],
  );
  t.ok(targets.get("ICD9CM/250.02")?.every((x) => x.approximate));
  t.same([...without], ["ICD9CM/V61.10"]);
  t.end();
});

t.test("drug maps by NDC and by name", (t) => {
  const ndc = readCodeMap(written(t, "ndc,rxcui\n2050101,207882\n0,1\n00002140701,\n"));
  t.same([...ndc.targets], [["NDC/00002050101", [{ code: "RxNorm/207882", approximate: true }]]]);
  t.same([...ndc.without], ["NDC/00002140701"]);
  const name = readCodeMap(written(t, "drug,atc_code\nHeparin  Sodium,B01AB01\n"));
  t.same(name.targets.get("DRUG/heparin sodium")?.[0]?.code, "ATC/B01AB01");
  t.end();
});

t.test("says what is wrong with a map, and in which line", (t) => {
  t.throws(() => readCodeMap(written(t, "a,b\n1,2\n")), /the columns are a, b/);
  const bad = written(t, "icd_9,icd_10,flags\n0010,A000,00000\n0011,0011,00000\n");
  t.throws(
    () => readCodeMap(bad),
    new BenchError({
      what: '"0011" in column icd_10 is no code of its vocabulary',
      where: `${bad}, line 3`,
      fix: "correct the row, or leave the column empty where there is no counterpart",
    }),
  );
  t.throws(() => readCodeMap("/nowhere/map.csv"), /cannot be read/);
  t.end();
});

const diagnoses = demoRoot("maps/icd_cm_9_to_10_mapping.csv.gz");
const procedures = demoRoot("maps/icd_pcs_9_to_10_mapping.csv.gz");
t.test(
  "the published maps are read whole",
  { skip: diagnoses === undefined && "../shared/data is not here" },
  (t) => {
    const cm = readCodeMap(diagnoses ?? "");
    const lines = gunzipSync(readFileSync(diagnoses ?? ""))
      .toString()
      .trim()
      .split("\n");
    const pairs = new Set(lines.slice(1).map((line) => line.split(",", 2).join()));
    const kept = [...cm.targets.values()].reduce((n, list) => n + list.length, 0);
    t.equal(kept + cm.without.size, pairs.size, "combination entries repeat 24 pairs");
    t.equal(cm.without.size, 433);
    t.same(
      cm.targets.get("ICD9CM/410.71")?.map((x) => x.code),
      ["ICD10CM/I21.4"],
    );
    const pcs = readCodeMap(procedures ?? "", "procedure");
    t.ok(pcs.targets.get("ICD9Proc/38.93")?.some((x) => x.code === "ICD10PCS/0JHG0XZ"));
    t.end();
  },
);
