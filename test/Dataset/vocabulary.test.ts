import t from "tap";
import { type IcdVocabulary, icdCode, ndcCode } from "../../core/vocabulary/codes.ts";
import { parentCode } from "../../core/vocabulary/hierarchy.ts";
import { Database, sqlText } from "../../Dataset/duckdb.ts";
import { icdCodeSql, ndcCodeSql, parentCodeSql } from "../../Dataset/vocabulary.ts";

const ICD: readonly (readonly [IcdVocabulary, string, string])[] = [
  ["ICD9CM", "25000", "ICD9CM/250.00"],
  ["ICD9CM", "4019", "ICD9CM/401.9"],
  ["ICD9CM", "486", "ICD9CM/486"],
  ["ICD9CM", "0389", "ICD9CM/038.9"],
  ["ICD9CM", "0040", "ICD9CM/004.0"],
  ["ICD9CM", "E8788", "ICD9CM/E878.8"],
  ["ICD9CM", "E879", "ICD9CM/E879"],
  ["ICD9CM", "V5867", "ICD9CM/V58.67"],
  ["ICD9CM", "V08", "ICD9CM/V08"],
  ["ICD9CM", " 42731 ", "ICD9CM/427.31"],
  ["ICD9CM", "427.31", "ICD9CM/427.31"],
  ["ICD9CM", "e8809", "ICD9CM/E880.9"],
  ["ICD10CM", "E8809", "ICD10CM/E88.09"],
  ["ICD10CM", "I10", "ICD10CM/I10"],
  ["ICD10CM", "T800XXA", "ICD10CM/T80.0XXA"],
  ["ICD9Proc", "3893", "ICD9Proc/38.93"],
  ["ICD9Proc", "0066", "ICD9Proc/00.66"],
  ["ICD9Proc", "45", "ICD9Proc/45"],
  ["ICD10PCS", "02HV33Z", "ICD10PCS/02HV33Z"],
];

const NDC: readonly (readonly [string, string | null])[] = [
  ["00338004904", "00338004904"],
  ["338004904", "00338004904"],
  [" 00338004904 ", "00338004904"],
  ["0", null],
  ["00000000000", null],
  ["", null],
  ["123456789012", null],
  ["12-34", null],
];

const PARENTS: readonly (readonly [string, string | null])[] = [
  ["ICD9CM/250.00", "ICD9CM/250.0"],
  ["ICD9CM/250.0", "ICD9CM/250"],
  ["ICD9CM/250", null],
  ["ICD9CM/E878.8", "ICD9CM/E878"],
  ["ICD9CM/V58.67", "ICD9CM/V58.6"],
  ["ICD9Proc/38.93", "ICD9Proc/38.9"],
  ["ICD9Proc/38.9", "ICD9Proc/38"],
  ["ICD10CM/E11.65", "ICD10CM/E11.6"],
  ["ICD10CM/T80.0XXA", "ICD10CM/T80.0"],
  ["ICD10CM/S06.0X0A", "ICD10CM/S06.0X0"],
  ["ICD10CM/S06.0X0", "ICD10CM/S06.0"],
  ["ICD10CM/X58.XXXA", "ICD10CM/X58"],
  ["ICD10CM/I10", null],
  ["ICD10PCS/02HV33Z", "ICD10PCS/02HV33"],
  ["ICD10PCS/02H", null],
  ["ATC/J01XA01", "ATC/J01XA"],
  ["ATC/J01XA", "ATC/J01X"],
  ["ATC/J01X", "ATC/J01"],
  ["ATC/J01", "ATC/J"],
  ["ATC/J", null],
  ["NDC/00338004904", null],
  ["DRUG/a.b", null],
  ["MEDS_BIRTH", null],
  ["HOSPITAL_DISCHARGE/HOME", null],
];

t.test("ICD codes get their official dots, by function and by SQL", async (t) => {
  const db = await Database.open({ threads: 1 });
  t.teardown(() => db.close());
  for (const [vocabulary, bare, code] of ICD) {
    t.equal(icdCode(vocabulary, bare), code);
    const found = await db.query(`SELECT ${icdCodeSql(vocabulary, sqlText(bare))} AS code`);
    t.same(found.strings("code"), [code]);
  }
  const blank = await db.query(
    `SELECT ${icdCodeSql("ICD9CM", "x")} AS code FROM (VALUES (NULL), (' ')) t(x)`,
  );
  t.same(blank.strings("code"), [null, null], "no code is not an empty code");
});

t.test("NDCs have 11 digits, and 0 is no NDC", async (t) => {
  const db = await Database.open({ threads: 1 });
  t.teardown(() => db.close());
  for (const [raw, code] of NDC) {
    t.equal(ndcCode(raw), code);
    const found = await db.query(`SELECT CAST(${ndcCodeSql(sqlText(raw))} AS VARCHAR) AS code`);
    t.same(found.strings("code"), [code]);
  }
  t.equal(ndcCode(null), null);
});

t.test("a parent is one level up", async (t) => {
  const db = await Database.open({ threads: 1 });
  t.teardown(() => db.close());
  for (const [code, parent] of PARENTS) {
    t.equal(parentCode(code), parent, code);
    const found = await db.query(
      `SELECT CAST(${parentCodeSql(sqlText(code))} AS VARCHAR) AS parent`,
    );
    t.same(found.strings("parent"), [parent], code);
  }
});
