import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import t from "tap";
import { readCsv } from "../../../core/csv.ts";
import { BLOCKS, type Block } from "../../../core/vocabulary/blocks.ts";
import { icdCode } from "../../../core/vocabulary/codes.ts";
import { ancestors, chapter } from "../../../core/vocabulary/hierarchy.ts";
import { demoRoot } from "../../support/demo-data.ts";

const PATHS: readonly (readonly [string, readonly string[]])[] = [
  ["ICD9CM/250.01", ["ICD9CM/250.0", "ICD9CM/250", "ICD9CM/249-259", "ICD9CM/240-279"]],
  ["ICD9CM/042", ["ICD9CM/001-139"]], // a block of one category is no level of its own
  ["ICD9CM/289.9", ["ICD9CM/289", "ICD9CM/280-289"]], // a chapter without blocks
  ["ICD9CM/V58.67", ["ICD9CM/V58.6", "ICD9CM/V58", "ICD9CM/V50-V59", "ICD9CM/V01-V91"]],
  ["ICD9CM/E880.9", ["ICD9CM/E880", "ICD9CM/E880-E888", "ICD9CM/E000-E999"]],
  ["ICD9Proc/38.93", ["ICD9Proc/38.9", "ICD9Proc/38", "ICD9Proc/35-39"]],
  ["ICD9Proc/00.66", ["ICD9Proc/00.6", "ICD9Proc/00"]],
  ["ICD10CM/I10", ["ICD10CM/I10-I1A", "ICD10CM/I00-I99"]],
  ["ICD10CM/E88.09", ["ICD10CM/E88.0", "ICD10CM/E88", "ICD10CM/E70-E88", "ICD10CM/E00-E89"]],
  ["ICD10CM/C7A", ["ICD10CM/C00-C96", "ICD10CM/C00-D49"]],
  ["ICD10CM/C78", ["ICD10CM/C76-C80", "ICD10CM/C00-C96", "ICD10CM/C00-D49"]],
  ["ICD10CM/C4A", ["ICD10CM/C43-C44", "ICD10CM/C00-C75", "ICD10CM/C00-C96", "ICD10CM/C00-D49"]],
  ["ICD10CM/M1A", ["ICD10CM/M05-M14", "ICD10CM/M00-M25", "ICD10CM/M00-M99"]],
  ["ICD10CM/W19", ["ICD10CM/W00-W19", "ICD10CM/W00-X58", "ICD10CM/V00-X58", "ICD10CM/V00-Y99"]],
  ["ICD10PCS/02HV33Z", [6, 5, 4, 3, 2, 1].map((n) => `ICD10PCS/${"02HV33Z".slice(0, n)}`)],
  ["ATC/J01XA01", ["ATC/J01XA", "ATC/J01X", "ATC/J01", "ATC/J"]],
  ["NDC/00338004904", []],
  ["MEDS_BIRTH", []],
];

t.test("everything above a code, nearest first", (t) => {
  for (const [code, above] of PATHS) t.same(ancestors(code), above, code);
  t.equal(chapter("ICD10CM/I21.9"), "ICD10CM/I00-I99");
  t.equal(chapter("ATC/J"), null);
  t.end();
});

t.test("ranges of one level do not overlap, and lie in the one above", (t) => {
  const wrong: string[] = [];
  const check = (blocks: readonly Block[], around?: Block): void => {
    blocks.forEach((block, i) => {
      const next = blocks[i + 1];
      const inside =
        around === undefined || (block.first >= around.first && block.last <= around.last);
      // C76-C80 follows C7A and C7B in the classification.
      const apart = next === undefined || /[AB]$/.test(block.last) || block.last < next.first;
      if (block.first > block.last || !inside || !apart) wrong.push(block.name);
      check(block.below, block);
    });
  };
  for (const blocks of Object.values(BLOCKS)) check(blocks);
  t.same(wrong, []);
  t.end();
});

const icd9 = demoRoot("mimic-iii-demo-1.4/D_ICD_DIAGNOSES.csv");
const procedures = demoRoot("mimic-iii-demo-1.4/D_ICD_PROCEDURES.csv");
const icd10 = demoRoot("maps/icd10cm-order-Jan-2021.csv.gz");
const skip = (icd9 === undefined || icd10 === undefined) && "../shared/data is not here";

t.test(
  "every code of the dictionaries has a chapter, and a block where its chapter has any",
  { skip },
  (t) => {
    const without: string[] = [];
    const check = (code: string) => {
      const above = ancestors(code).filter((name) => /-|^ICD9Proc\/(00|17)$/.test(name));
      const top = code.replace(/\..*/, "");
      const chapters = BLOCKS[code.split("/")[0] ?? ""] ?? [];
      const path = above.map((name) => name.split("/")[1]);
      const blocks = chapters.find((c) => c.name === path.at(-1))?.below ?? [];
      const named = (list: readonly Block[]): boolean =>
        list.some((b) => `${code.split("/")[0]}/${b.name}` === top || named(b.below));
      if (!named(chapters) && path.length < (blocks.length > 0 ? 2 : 1)) without.push(code);
    };
    for (const { fields } of readCsv(icd9 ?? "").rows)
      check(icdCode("ICD9CM", fields["icd9_code"] ?? ""));
    for (const { fields } of readCsv(procedures ?? "").rows) {
      check(icdCode("ICD9Proc", fields["icd9_code"] ?? ""));
    }
    const lines = gunzipSync(readFileSync(icd10 ?? ""))
      .toString()
      .trim()
      .split("\n")
      .slice(1);
    t.ok(lines.length > 90_000);
    for (const line of lines) check(icdCode("ICD10CM", line.split(",")[0] ?? ""));
    t.same(without, []);
    t.end();
  },
);
