import t from "tap";
import { Random } from "../../core/random.ts";
import { MaskPool } from "../../engine/dropout.ts";
import { Graph } from "../../engine/graph.ts";
import { dropout } from "../../engine/layers/dropout.ts";

function masksOf(rates: readonly number[]) {
  const g = new Graph({ training: true });
  const x = g.input("x", ["B", 100]);
  for (const [i, rate] of rates.entries()) dropout(x, rate, `layer${i}`);
  return g.masks;
}

const pool = (seed: number) => new MaskPool(Random.fromSeed(seed).derive("dropout"));

t.test("masks hold 0 and 1/(1 - rate) in the right shares", async (t) => {
  const { "layer0.mask": mask } = pool(1).feeds(masksOf([0.2]), { B: 1000 }, "0/0");
  const values = mask as Float32Array;
  t.equal(values.length, 100_000);
  const dropped = values.filter((v) => v === 0).length;
  t.ok(Math.abs(dropped - 20_000) < 600, `${dropped} dropped`);
  t.ok(values.every((v) => v === 0 || v === Math.fround(1 / 0.8)));
});

t.test("masks follow from seed and key, and differ between layers, keys and seeds", async (t) => {
  const masks = masksOf([0.3, 0.3]);
  const at = (seed: number, key: string) => pool(seed).feeds(masks, { B: 4 }, key);
  const base = at(1, "0/0");
  t.same(at(1, "0/0"), base);
  t.notSame(base["layer0.mask"], base["layer1.mask"]);
  t.notSame(at(1, "1/0")["layer0.mask"], base["layer0.mask"]);
  t.notSame(at(1, "0/1")["layer0.mask"], base["layer0.mask"]);
  t.notSame(at(2, "0/0")["layer0.mask"], base["layer0.mask"]);
});

t.test("a pool grows for a larger window", async (t) => {
  const masks = masksOf([0.5]);
  const made = pool(1);
  t.equal(made.feeds(masks, { B: 1 }, "0/0")["layer0.mask"]?.length, 100);
  t.equal(made.feeds(masks, { B: 20_000 }, "1/0")["layer0.mask"]?.length, 2_000_000);
});

t.test("there is no mask outside training, and none for a rate of 0", async (t) => {
  const g = new Graph();
  const x = g.input("x", ["B", 4]);
  t.equal(dropout(x, 0.5, "a"), x);
  const h = new Graph({ training: true });
  const y = h.input("x", ["B", 4]);
  t.equal(dropout(y, 0, "a"), y);
  t.same([...g.masks, ...h.masks], []);
});

t.test("masks of a resumed run depend on how far the pools had grown", async (t) => {
  const masks = masksOf([0.5]);
  const whole = pool(1);
  whole.feeds(masks, { B: 20_000 }, "0/0");
  const next = whole.feeds(masks, { B: 2 }, "1/0");
  const resumed = pool(1);
  resumed.grow(whole.lengths());
  t.same(resumed.feeds(masks, { B: 2 }, "1/0"), next);
  t.notSame(pool(1).feeds(masks, { B: 2 }, "1/0"), next);
});
