import t from "tap";
import { BenchError } from "../../core/errors.ts";
import { clipScale, makeSchedule } from "../../engine/optimizer.ts";

t.test("the learning rate rises over the warm-up and then takes its course (H17)", async (t) => {
  const constant = makeSchedule("constant", 4, 20);
  t.same([0, 1, 2, 3, 4, 19].map(constant), [0.25, 0.5, 0.75, 1, 1, 1]);
  const linear = makeSchedule("linear", 0, 10);
  t.same([0, 5, 10, 50].map(linear), [1, 0.5, 0, 0]);
  const cosine = makeSchedule("cosine", 2, 12);
  t.equal(cosine(1), 1);
  t.equal(cosine(2), 1);
  t.ok(Math.abs(cosine(7) - 0.5) < 1e-12);
  t.equal(cosine(12), 0);
});

t.test("an unknown schedule is refused with the known ones", async (t) => {
  t.throws(() => makeSchedule("step", 0, 1), BenchError);
});

t.test("gradients are scaled down to the norm and never up", async (t) => {
  t.equal(clipScale(4, 1), 0.25);
  t.equal(clipScale(0.5, 1), 1);
  t.equal(clipScale(1e9, 0), 1, "0 switches clipping off");
});
