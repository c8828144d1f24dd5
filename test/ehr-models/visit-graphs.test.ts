import t from "tap";
import { Random } from "../../core/random.ts";
import { hideNodes, hideVisits } from "../../ehr-models/gt-behrt-stages.ts";
import { graphInputs, NODE, visitTypes } from "../../ehr-models/visit-graphs.ts";
import {
  CODE_COUNT,
  codeTable,
  LABELS,
  learnedTokenizer,
  type MadeSample,
  makeSamples,
  sourceOf,
} from "../support/samples.ts";

const V = CODE_COUNT + 2;
const stream = (name: string) => Random.fromSeed(4).derive(name);
const samples = makeSamples(24, LABELS.multiclass);
const train = sourceOf(samples, LABELS.multiclass);
const OPTIONS = {
  maxVisits: 4,
  maxNodes: 12,
  visitTypes: new Uint8Array(),
  wide: false,
  sums: true,
};
const all = Int32Array.from(samples, (_, i) => i);

t.test(
  "a graph per visit: the virtual node first, then the latest codes, found by place (GB4, GB8)",
  async (t) => {
    const tokenizer = learnedTokenizer();
    tokenizer.unit[5] = 0; // a stray padding unit among the codes
    const { feeds, dims } = graphInputs(train, tokenizer, { ...OPTIONS, maxNodes: 4 }).collate(all);
    const { T = 0, n = 0, G = 0 } = dims;
    const column = (name: string) => Array.from(feeds[name] as Int32Array);
    t.equal(
      G,
      samples.reduce((sum, { history }) => sum + history.visitCount, 0),
    );
    let graph = 0;
    for (const [b, { history }] of samples.entries()) {
      for (let v = 0; v < history.visitCount; v++) {
        t.equal(column("graph")[b * T + v], graph);
        const rows = Array.from({ length: history.length }, (_, i) => i);
        const codes = rows.filter((i) => history.visit[i] === v).slice(-3);
        const units = codes.map((i) => tokenizer.unit[history.code[i] as number]);
        const at = graph * n;
        t.same(column("nodes").slice(at, at + 1 + units.length), [0, ...units]);
        t.same(column("special").slice(at, at + 4), [NODE.virtual, 0, 0, 0]);
        t.equal(
          column("nodeMask")
            .slice(at, at + n)
            .reduce((a, x) => a + x, 0),
          1 + units.length,
        );
        const classes = codes.map((i) => [0, 0, 1, 2][history.kind[i] as number]);
        t.same(column("nodeClass").slice(at, at + 1 + units.length), [3, ...classes]);
        t.equal(column("visitsAfter")[b * T + v], history.visitCount - 1 - v);
        graph += 1;
      }
    }
  },
);

t.test(
  "positions count back from the latest visit, wherever the history is cut (GB5)",
  async (t) => {
    const { feeds, dims } = graphInputs(train, learnedTokenizer(), {
      ...OPTIONS,
      maxVisits: 2,
    }).collate(all);
    const { T = 0 } = dims;
    t.equal(T, 2);
    for (const [b, { history, ageYears }] of samples.entries()) {
      if (history.visitCount < 2) continue;
      t.same(Array.from(feeds["visitsAfter"] as Float32Array).slice(b * T, b * T + 2), [1, 0]);
      const start = history.visitStart[history.visitCount - 1] as number;
      t.equal(feeds["daysBefore"]?.[b * T + 1], start);
      const age = feeds["ageYears"]?.[b * T + 1] as number;
      if (!Number.isNaN(ageYears)) t.ok(Math.abs(age - (ageYears - start / 365.25)) < 1e-4);
      t.equal(feeds["ageKnown"]?.[b * T + 1], Number.isNaN(ageYears) ? 0 : 1);
    }
  },
);

t.test(
  "visits have the type of their admission; more than nine types share the last id (GB6)",
  async (t) => {
    const code = Array.from(
      { length: 14 },
      (_, i) => `HOSPITAL_ADMISSION/${String.fromCharCode(65 + i)}`,
    );
    const types = visitTypes({ ...codeTable(), size: 15, code: ["CODE/1", ...code] });
    t.same([...types], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10, 10]);
    const some = new Uint8Array(CODE_COUNT);
    const { history } = samples[0] as MadeSample;
    const last = history.length - 1;
    some[history.code[last] as number] = 4;
    const inputs = graphInputs(train, learnedTokenizer(), { ...OPTIONS, visitTypes: some });
    const { feeds, dims } = inputs.collate(Int32Array.of(0));
    t.equal(feeds["visitType"]?.[history.visitCount - 1], 4);
    t.equal(dims["T"], history.visitCount);
  },
);

t.test("masked nodes are MASK, all of them, and known codes only", async (t) => {
  const collated = graphInputs(train, learnedTokenizer(), OPTIONS).collate(all);
  const { feeds, weight } = hideNodes(collated, V, 0.3, stream("nodes"));
  const at = [...(feeds["masked.at"] as Int32Array)];
  t.equal(at.length, weight);
  t.ok(at.length > 20);
  for (const i of at) {
    t.equal(collated.feeds["special"]?.[i], NODE.code);
    t.equal(feeds["special"]?.[i], NODE.mask);
    t.equal(feeds["nodes"]?.[i], 0);
  }
});

t.test(
  "a missing node is gone from its graph, and its type with it half of the time",
  async (t) => {
    const collated = graphInputs(train, learnedTokenizer(), OPTIONS).collate(all);
    const { B = 0, T = 0, n = 0, G = 0 } = collated.dims;
    const shares = { missingShare: 1, typeShare: 0.5 };
    const { feeds, weight } = hideVisits(collated, shares, stream("visits"));
    t.equal(weight, G, "weighed by visits");
    const at = [...(feeds["missing.at"] as Int32Array)];
    const hidden = [...(feeds["missing.hidden"] as Int32Array)];
    const nodes = [...(feeds["nodes"] as Int32Array)];
    const mask = [...(feeds["nodeMask"] as Float32Array)];
    let lost = 0;
    for (const [i, state] of at.entries()) {
      const b = Math.floor(state / (T + 1));
      const slot = b * T + (state % (T + 1)) - 1;
      const graph = collated.feeds["graph"]?.[slot] as number;
      const before = [...(collated.feeds["nodes"] as Int32Array)].slice(graph * n, graph * n + n);
      const after = nodes.slice(graph * n, graph * n + n);
      const place = before.findIndex((unit, j) => unit !== after[j]);
      t.equal(before[place], (hidden[i] as number) + 2, "it is what is asked for");
      t.equal(mask[graph * n + place], 0, "no edge leads to it");
      t.ok(mask.slice(graph * n, graph * n + n).reduce((a, x) => a + x, 0) > 1, "others are left");
      lost += 1;
    }
    t.equal(
      mask.reduce((a, x) => a + x, 0),
      Array.from(collated.feeds["nodeMask"] as Float32Array).reduce((a, x) => a + x, 0) - lost,
    );
    const typed = [...(feeds["types.at"] as Int32Array)];
    t.ok(typed.length > 0.25 * G && typed.length < 0.75 * G);
    for (const state of typed) {
      const slot = Math.floor(state / (T + 1)) * T + (state % (T + 1)) - 1;
      t.equal(feeds["visitType"]?.[slot], 0);
    }
    t.ok(B * T >= G);
  },
);
