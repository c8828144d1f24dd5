import t from "tap";
import {
  addDims,
  broadcastShapes,
  evaluateDim,
  multiplyDims,
  sizeOf,
  subtractDims,
} from "../../engine/shape.ts";

t.test("equal dims have one text, whatever the order they were put together in", async (t) => {
  t.equal(multiplyDims("L", 2, "B"), multiplyDims("B", "L", 2));
  t.equal(
    multiplyDims("B", addDims("L", 3)),
    addDims(multiplyDims(3, "B"), multiplyDims("L", "B")),
  );
  t.equal(multiplyDims("B", addDims("L", 3)), "3*B+B*L");
  t.equal(subtractDims(addDims("L", 3), "L"), 3);
  t.equal(addDims("B", "B"), "2*B");
  t.equal(sizeOf([]), 1);
  t.equal(multiplyDims(4, 5), 20);
});

t.test("a dim's value follows from its names", async (t) => {
  t.equal(evaluateDim("3*B+B*L", { B: 2, L: 5 }), 16);
  t.equal(evaluateDim(subtractDims("L", 1), { L: 5 }), 4);
  t.throws(() => evaluateDim("B*L", { B: 2 }), /no value for "L"/);
});

t.test("shapes broadcast from the last axis, and a name never equals a number", async (t) => {
  t.same(broadcastShapes(["B", 1, 4], ["L", 1]), ["B", "L", 4]);
  t.same(broadcastShapes([], ["B"]), ["B"]);
  t.equal(broadcastShapes(["B", 3], ["B", 4]), undefined);
  t.equal(broadcastShapes(["B"], [3]), undefined);
});
