import t from "tap";
import { Random } from "../../core/random.ts";

const draw = (random: Random, n = 6) => Array.from({ length: n }, () => random.uint32());

t.test("a named stream does not depend on what was drawn before", async (t) => {
  const fresh = Random.fromSeed(7).derive("init");
  const parent = Random.fromSeed(7);
  parent.uint32();
  parent.derive("shuffle").uint32();
  t.same(draw(parent.derive("init")), draw(fresh));
});

t.test("other names and other seeds give other numbers", async (t) => {
  const base = draw(Random.fromSeed(7).derive("init"));
  t.notSame(draw(Random.fromSeed(7).derive("dropout")), base);
  t.notSame(draw(Random.fromSeed(8).derive("init")), base);
});

t.test("streams whose names agree in the first 32 bits of their hash differ", async (t) => {
  // Among a few hundred thousand subjects there are always such pairs; these are the first below seed 0.
  const root = Random.fromSeed(0);
  t.notSame(draw(root.derive(3630)), draw(root.derive(43042)));
});

t.test("below(n) is uniform and refuses what it cannot draw", async (t) => {
  const random = Random.fromSeed(1).derive("below");
  const counts = new Array<number>(5).fill(0);
  for (let i = 0; i < 50_000; i++) {
    const k = random.below(5);
    counts[k] = (counts[k] ?? 0) + 1;
  }
  for (const count of counts) t.ok(Math.abs(count - 10_000) < 500, `${count} of 50,000`);
  t.throws(() => random.below(0));
  t.throws(() => random.below(1.5));
});

t.test("normal() has mean 0 and variance 1", async (t) => {
  const random = Random.fromSeed(2).derive("normal");
  let sum = 0;
  let squares = 0;
  const n = 100_000;
  for (let i = 0; i < n; i++) {
    const x = random.normal();
    sum += x;
    squares += x * x;
  }
  t.ok(Math.abs(sum / n) < 0.02, `mean ${sum / n}`);
  t.ok(Math.abs(squares / n - 1) < 0.03, `variance ${squares / n}`);
});

t.test("shuffle keeps the items and moves them", async (t) => {
  const items = Int32Array.from({ length: 100 }, (_, i) => i);
  const shuffled = Random.fromSeed(3).derive("shuffle").shuffle(items.slice());
  t.same(
    [...shuffled].sort((a, b) => a - b),
    [...items],
  );
  t.notSame([...shuffled], [...items]);
});
