import t from "tap";
import { expandCodes } from "../../../core/vocabulary/code-list.ts";

t.test("spells out alternatives, runs, endings and nesting", (t) => {
  t.same(expandCodes("I10"), ["I10"]);
  t.same(expandCodes(" 586\n  584{5-7,9} "), ["586", "5845", "5846", "5847", "5849"]);
  t.same(expandCodes("585{,1}"), ["585", "5851"]);
  t.same(expandCodes("I48{0,2{0,1}}"), ["I480", "I4820", "I4821"]);
  t.same(expandCodes("{A,B}1{2,3}"), ["A12", "A13", "B12", "B13"]);
  t.same(expandCodes("{A{1-2},B}0"), ["A10", "A20", "B0"]);
  t.end();
});

t.test("refuses a brace that is not closed", (t) => {
  t.throws(() => expandCodes("I48{0,1"), /not closed in "I48\{0,1"/);
  t.end();
});
