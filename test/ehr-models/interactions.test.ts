import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import t, { type Test } from "tap";
import { BenchError } from "../../core/errors.ts";
import {
  areDrugClasses,
  atcGroup,
  classInteractions,
  interactingClasses,
  readInteractions,
} from "../../ehr-models/interactions.ts";
import { demoRoot } from "../support/demo-data.ts";

function write(t: Test, text: string | Buffer, name = "ddi.csv"): string {
  const file = join(t.testdir(), name);
  writeFileSync(file, text);
  return file;
}

t.test("pairs come as they stand, plain or gzipped", async (t) => {
  const text = "atc_a,atc_b\nJ01X,B01A\nC07AB02 , J01XA\n";
  const pairs = [
    ["J01X", "B01A"],
    ["C07AB02", "J01XA"],
  ];
  t.same(readInteractions(write(t, text)), pairs);
  t.same(readInteractions(write(t, gzipSync(text), "ddi.csv.gz")), pairs);
});

t.test("a mistake in the file is named with its line", async (t) => {
  const cases: readonly [string, RegExp, RegExp][] = [
    ["drug,other\nJ01X,B01A\n", /columns are drug, other/, /line 1$/],
    ["", /columns are none/, /line 1$/],
    ["atc_a,atc_b\n", /no pair/, /line 2$/],
    ["atc_a,atc_b\nJ01X,B01A\nJ01X\n", /1 fields/, /line 3$/],
    ["atc_a,atc_b\nJ01X,heparin\n", /"heparin" is no ATC code/, /line 2$/],
    ["atc_a,atc_b\nJ01,B01A\n", /"J01" is no ATC code of the third/, /line 2$/],
    ["atc_a,atc_b\nj01x,B01A\n", /"j01x"/, /line 2$/],
    ["atc_a,atc_b\nJ01X,J01X\n", /itself/, /line 2$/],
  ];
  for (const [text, message, where] of cases)
    t.throws(() => readInteractions(write(t, text)), { name: "BenchError", message, where });
  t.throws(() => readInteractions(join(t.testdir(), "none.csv")), BenchError);
});

t.test("classes are matched by containment, each pair once, in both directions", async (t) => {
  const groups = ["B01A", "J01X", "J01M", "C07AB02"];
  t.same(interactingClasses([["J01X", "B01A"]], groups), [[0, 1]]);
  t.same(
    interactingClasses(
      [
        ["J01X", "B01A"],
        ["B01A", "J01X"],
      ],
      groups,
    ),
    [[0, 1]],
  );
  t.same(interactingClasses([["J01XA01", "B01AB01"]], groups), [[0, 1]], "drugs of the classes");
  t.same(interactingClasses([["C07A", "J01M"]], groups), [[2, 3]], "the class of a drug");
  t.same(interactingClasses([["J01XA01", "J01XB01"]], groups), [], "two drugs of one class");
  t.same(interactingClasses([["N05A", "B01A"]], groups), [], "a class that is not asked for");
});

t.test("a class is a group or it is not; a file about other classes is refused", async (t) => {
  t.equal(atcGroup(["ATC/J01X*"]), "J01X");
  t.equal(atcGroup(["ATC/J01XA01"]), "J01XA01");
  t.equal(atcGroup(["ICD10CM/E11*"]), null);
  t.equal(atcGroup(["ATC/J01X*", "ATC/J01M*"]), null);
  const of = (...classCodes: string[][]) =>
    areDrugClasses({ kind: "multilabel", classes: classCodes.flat(), classCodes });
  t.ok(of(["ATC/J01X*"], ["ATC/B01A*"]));
  t.notOk(of(["ATC/J01X*"], ["ATC/B01AB01"]), "single drugs are no classes");
  t.notOk(of(["ICD10CM/E11*"]));
  t.notOk(areDrugClasses({ kind: "multilabel", classes: ["a"] }));
  const file = write(t, "atc_a,atc_b\nJ01X,B01A\n");
  t.same(classInteractions(file, [["ATC/B01A*"], ["ATC/J01X*"]]), [[0, 1]]);
  t.throws(() => classInteractions(file, [["ATC/B01A*"], ["ATC/N05A*"]]), {
    message: /no pair of the file is about two of the 2 classes \(B01A, N05A/,
  });
});

const list = demoRoot("maps/ddi_atc3_pairs.csv");
const skip = list === undefined && "../shared/data/maps/ddi_atc3_pairs.csv is not here";
t.test("the published third-level list is read whole", { skip }, async (t) => {
  const pairs = readInteractions(list ?? "");
  t.equal(pairs.length, 467);
  const groups = [...new Set(pairs.flat())].sort();
  t.equal(interactingClasses(pairs, groups).length, 467);
});
