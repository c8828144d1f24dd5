/** Measures without patients, on cases small enough to count by hand. */
import t from "tap";
import { Random } from "../../../core/random.ts";
import { fillFromData, restartDead, usageOf } from "../../../tokenizers/medtok/codebook-care.ts";
import { medTokConfig } from "../../../tokenizers/medtok/config.ts";
import { effective } from "../../../tokenizers/medtok/monitor.ts";
import {
  groupOf,
  groupQueries,
  nearest,
  neighbourAgreement,
  regionUsage,
  twinAgreement,
  uniqueKeys,
} from "../../../tokenizers/medtok/quality.ts";

const CODES = ["ICD10CM/E11.6", "ICD10CM/E11.9", "ICD10CM/I10", "ICD9CM/250.00", "ICD9CM/401.9"];
/** Angles in degrees; twins are a few degrees apart. */
const ANGLES = [0, 10, 90, 13, 93];
const table = {
  width: 2,
  values: Float32Array.from(
    ANGLES.flatMap((a) => [3 * Math.cos((a * Math.PI) / 180), 3 * Math.sin((a * Math.PI) / 180)]),
  ),
};
const all = Int32Array.of(0, 1, 2, 3, 4);

t.test("nearest by cosine, itself left out, nearest first", async (t) => {
  const found = await nearest(table, Int32Array.of(0, 4), all, 2);
  t.same([...found], [1, 3, 2, 3]);
  const few = await nearest(table, Int32Array.of(0), Int32Array.of(0, 2), 3);
  t.same([...few], [2, -1, -1], "fewer than asked for");
  const many = await nearest(
    table,
    Int32Array.from({ length: 300 }, (_, i) => i % 5),
    all,
    1,
  );
  t.same([...many.subarray(295)], [1, 3, 4, 1, 2], "more than one block");
});

t.test("equal vectors go by their place", async (t) => {
  const same = { width: 2, values: Float32Array.of(1, 0, 1, 0, 1, 0, 0, 1) };
  t.same([...(await nearest(same, Int32Array.of(1), Int32Array.of(0, 1, 2, 3), 2))], [0, 2]);
});

t.test("groups: ICD categories, ATC level 3", async (t) => {
  t.equal(groupOf("ICD9CM/E878.8"), "ICD9CM/E878");
  t.equal(groupOf("ATC/A10BA02"), "ATC/A10B");
  t.equal(groupOf("ATC/A10"), null);
  t.equal(groupOf("DRUG/aspirin"), null);
  const asked = groupQueries(CODES, "ICD10CM", 10, Random.fromSeed(0));
  t.same([...asked], [0, 1], "I10 is alone in its category");
});

t.test("agreement of neighbours and of twins", async (t) => {
  const among10 = await neighbourAgreement(
    CODES,
    table,
    Int32Array.of(0, 1),
    Int32Array.of(0, 1, 2),
  );
  t.same(among10, { queries: 2, nearest: 1, five: 1 / 5, ten: 1 / 10 });
  const amongAll = await neighbourAgreement(CODES, table, Int32Array.of(1), all);
  t.equal(amongAll.nearest, 0, "the ICD-9 twin is nearer");
  const twins = new Map([
    [3, [0]],
    [4, [2]],
  ]);
  const found = await twinAgreement(table, twins, Int32Array.of(0, 1, 2));
  t.same(found, { queries: 2, nearest: 0.5, ten: 1 });
});

t.test("usage, perplexity, keys, effective tokens", async (t) => {
  const region = { name: "text", from: 1, to: 5 } as const;
  const { share, perplexity } = usageOf(Uint32Array.of(9, 2, 2, 0, 0), region);
  t.equal(share, 0.5);
  t.ok(Math.abs(perplexity - 2) < 1e-12);
  t.same(usageOf(new Uint32Array(5), region), { share: 0, perplexity: 0 });
  const config = medTokConfig({ codebookSize: 6, perPart: 2, width: 4 }, 3);
  const tokens = Int32Array.from([
    0, 1, 4, 5, 2, 3, 3, 2, 0, 1, 4, 5, 2, 3, 2, 3, 0, 1, 4, 5, 2, 3, 3, 2,
  ]);
  t.ok(Math.abs(uniqueKeys(tokens, config) - 1 / 3) < 1e-12);
  t.equal(regionUsage(tokens, config)["shared"]?.share, 1);
  t.ok(Math.abs(effective(Float32Array.of(0.5, 0.5, 1, 0), 2) - 1.5) < 1e-6);
});

t.test("dead rows move onto given vectors, used ones stay", async (t) => {
  const codebook = Float32Array.of(1, 1, 2, 2, 3, 3, 4, 4);
  const region = { name: "text", from: 0, to: 3 } as const;
  const vectors = Float32Array.of(7, 8, 9, 10);
  const moved = restartDead(
    codebook,
    Uint32Array.of(0, 5, 0, 0),
    region,
    vectors,
    2,
    Random.fromSeed(1),
  );
  t.equal(moved, 2);
  t.same([...codebook.subarray(2, 4)], [2, 2]);
  t.same([...codebook.subarray(6)], [4, 4], "not of the region");
  t.same([codebook[0], codebook[4]].sort(), [7, 9], "each vector once");
});

t.test("first rows come from the parts of their region, as unit vectors", async (t) => {
  const config = medTokConfig({ codebookSize: 9, perPart: 1, width: 2, heads: 1 }, 2);
  const raw = Float32Array.of(2, 0, 0, 3, 1, 1, -1, 1, 0, -2, -3, 0, 5, 0, 0, 5);
  const forward = {
    raw,
    tokens: Int32Array.of(0, 0, 0, -1, 0, 0, 0, -1),
    weights: new Float32Array(8),
    vectors: new Float32Array(16),
  };
  const codebook = new Float32Array(18);
  fillFromData(codebook, forward, config, Random.fromSeed(1));
  t.same([...codebook.subarray(0, 4)], [1, 0, 0, -1], "text rows from the text-specific part");
  t.same([...codebook.subarray(12, 16)], [0, 1, -1, 0], "graph rows from the graph-specific part");
  const half = Math.fround(Math.SQRT1_2);
  t.same([...codebook.subarray(6, 10)], [half, half, 1, 0], "the shared part that is there");
  const third = codebook.subarray(4, 6);
  t.ok(third[0] !== 1 && Math.abs((third[0] as number) - 1) < 0.5, "copies are moved a little");
});
