/** What stands beside a position: counted by hand, blind to what comes later, and in the decoder. */
import t, { type Test } from "tap";
import { Random } from "../../../core/random.ts";
import { Decoder } from "../../../ehr-models/ethos/decoder.ts";
import { lossGraph, type Network } from "../../../ehr-models/ethos/network.ts";
import { FACTS, putFacts, putWeights, standingOf } from "../../../ehr-models/ethos/standing.ts";
import { eventsOf } from "../../../ehr-models/ethos/timeline.ts";
import { State } from "../../../engine/state.ts";
import { plainDecoder } from "../../support/plain-decoder.ts";
import {
  historyAt,
  plantedSubjects,
  plantedVocabulary,
  whole,
  wholeRecord,
} from "../../support/planted-records.ts";

const YEAR = 365.2425;

/** Two stays of two and four days, 27 days apart; the second one goes on after token 6. */
const TWO_STAYS = {
  //                        admitted drug discharged diagnosis | admitted drug discharged
  visit: Int32Array.of(0, 0, 0, 0, 1, 1, 1),
  isOver: Uint8Array.of(0, 0, 1, 1, 0, 0, 1),
  ageDays: Float64Array.from([0, 1, 2, 2, 29, 30, 33, 33], (days) => 75 * YEAR + days),
  visitStart: Float64Array.of(33, 4),
  visitEnd: Float64Array.of(31, 0),
};

t.test("a stay counts from its discharge on, and until the next one is over", (t) => {
  const { upTo, lastFrom, lastTo, facts } = standingOf(TWO_STAYS);
  t.same([...upTo], [0, 0, 0, 3, 4, 4, 4, 7]);
  t.same([...lastFrom], [0, 0, 0, 0, 0, 0, 0, 4]);
  t.same([...lastTo], [0, 0, 0, 3, 4, 4, 4, 7]);
  const near = (entry: number, wanted: readonly number[]) => {
    const found = [...facts.subarray(entry * FACTS, (entry + 1) * FACTS)];
    const most = Math.max(...found.map((x, i) => Math.abs(x - (wanted[i] ?? Number.NaN))));
    t.ok(most < 2e-3, `${found} and ${wanted}`);
  };
  near(0, [1, 1.5, 0.5625, 0, 0, 0, 0]);
  near(2, [1, 1.5, 0.5625, 0, 0, 0, 0]);
  near(3, [1, 1.5, 0.5625, 1, 0, 0, Math.log(3)]);
  near(6, [1, 1.508, 0.5687, 1, 0, 0, Math.log(3)]);
  near(7, [1, 1.509, 0.5693, 1, Math.log(2), 30 / 57, Math.log(5)]);
  const ageless = standingOf({ ...TWO_STAYS, ageDays: new Float64Array(8).fill(Number.NaN) });
  t.same([...ageless.facts.subarray(0, 3)], [0, 0, 0]);
  t.end();
});

t.test(
  "weights: a code once among all, in the latest stay too, and only inside the window",
  (t) => {
    const standing = standingOf(TWO_STAYS);
    const tokens = Int32Array.of(20, 21, 22, 3, 20, 21, 23); // 3 is no code
    const weightsOf = (from: number, length: number, L: number) => {
      const weights = new Float32Array(2 * L * L);
      const window = { standing, tokens, from, length, leading: 2, firstCode: 10 };
      putWeights(weights, 0, L, window);
      const facts = new Float32Array(L * FACTS);
      putFacts(facts, 0, window);
      const row = (half: number, p: number) => [
        ...weights.subarray((half * L + p) * L, (half * L + p + 1) * L),
      ];
      return { row, facts };
    };
    const whole = weightsOf(0, 7, 10);
    t.same(whole.row(0, 1), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "before the first discharge nothing");
    t.same(whole.row(0, 4), [0, 0, 1, 1, 1, 0, 0, 0, 0, 0]);
    t.same(whole.row(0, 7), [0, 0, 1, 1, 1, 0, 0, 0, 0, 0], "not the stay that goes on");
    t.same(whole.row(0, 8), [0, 0, 1, 1, 1, 0, 0, 0, 1, 0], "each code once");
    t.same(whole.row(1, 8), [0, 0, 0, 0, 0, 0, 1, 1, 1, 0]);
    t.same(whole.row(0, 9), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "padding");
    const cut = weightsOf(1, 5, 8);
    t.same(cut.row(0, 6), [0, 0, 1, 1, 0, 0, 0, 0], "only what is in the window");
    t.same(cut.row(0, 0), [0, 0, 0, 0, 0, 0, 0, 0]);
    const of = (entry: number) => standing.facts.subarray(entry * FACTS, (entry + 1) * FACTS);
    t.same(cut.facts.subarray(0, FACTS), of(1), "leading positions know what was known before");
    t.same(cut.facts.subarray(2 * FACTS, 3 * FACTS), of(2));
    t.end();
  },
);

t.test("a history has at every token what the whole record has there", (t) => {
  const subjects = plantedSubjects(40, { again: [1, 1], soon: 0.5, dies: [0.5, 0.5] }, 5);
  const v = plantedVocabulary(whole(subjects));
  for (const { record, firstDischarge } of subjects)
    for (const after of [-1, 0, 4]) {
      const { history } = wholeRecord(record);
      const whole = v.encodeWhole(eventsOf(history, v.roles, Number.NaN));
      const seen = historyAt(record, firstDischarge + after);
      const part = v.encodeHistory(eventsOf(seen, v.roles, Number.NaN));
      const n = part.tokens.length;
      t.same(part.tokens, whole.tokens.subarray(0, n));
      for (const key of ["upTo", "lastFrom", "lastTo"] as const)
        t.same(part.standing[key], whole.standing[key].subarray(0, n + 1), key);
      const facts = whole.standing.facts.subarray(0, (n + 1) * FACTS);
      t.ok(part.standing.facts.every((x, i) => Math.abs(x - (facts[i] as number)) < 1e-4));
    }
  t.end();
});

const NETWORK: Network = {
  vocabulary: 17,
  width: 12,
  heads: 2,
  layers: 1,
  feedForward: 16,
  context: 40,
  dropout: 0,
  attentionDropout: 0,
  standing: true,
};

/** Its sums are made in two parts. */
const WIDE: Network = { ...NETWORK, width: 272, feedForward: 8 };

for (const network of [NETWORK, WIDE])
  t.test(`futures read what stood beside the end of their prompt, width ${network.width}`, (t) =>
    compare(t, network),
  );

async function compare(t: Test, network: Network): Promise<void> {
  const { graph } = lossGraph(network, true);
  const values = new State(graph.parameters, Random.fromSeed(1)).exportParameters();
  const random = Random.fromSeed(2);
  for (const list of values.values())
    for (let i = 0; i < list.length; i++)
      list[i] = (list[i] as number) + (3 / network.width) * random.normal();
  const prompts = [4, 9].map((n) => {
    const rows = (width: number, of: () => number) =>
      Array.from({ length: n }, () => Array.from({ length: width }, of));
    const bit = () => random.below(2);
    return {
      tokens: Int32Array.from({ length: n }, () => random.below(17)),
      standing: {
        ever: rows(n, bit),
        latest: rows(n, bit),
        facts: rows(FACTS, () => random.normal()),
      },
    };
  });
  const decoder = await Decoder.create({
    ...{ prompts: 2, futures: 2, newTokens: 3, temperature: 1, threads: 1 },
    network,
    parameterOf: (name) => values.get(name) as Float32Array,
  });
  t.teardown(() => decoder.release());
  const furthest = (a: Float32Array, b: readonly number[] | undefined) =>
    Math.max(...a.map((x, i) => Math.abs(x - (b?.[i] ?? Number.NaN))));
  for (const [group, { tokens, standing }] of prompts.entries()) {
    const n = tokens.length;
    const beside = (L: number) => {
      const weights = new Float32Array(2 * L * L);
      const facts = new Float32Array(L * FACTS);
      for (let p = 0; p < n; p++) {
        weights.set(standing.ever[p] ?? [], p * L);
        weights.set(standing.latest[p] ?? [], (L + p) * L);
        facts.set(standing.facts[p] ?? [], p * FACTS);
      }
      return { "standing.weights": weights, "standing.facts": facts };
    };
    const read = await decoder.read({ tokens, beside });
    const plain = plainDecoder(network, values, tokens, standing).at(-1);
    t.ok(furthest(read.probabilities, plain) < 1e-5, "after the prompt");
    decoder.place(group, read);
  }
  const p = await decoder.step(Int32Array.of(3, 4, 5, 6));
  for (const row of [0, 1, 2, 3]) {
    const { tokens, standing } = prompts[row >> 1] as (typeof prompts)[number];
    const longer = (rows: number[][]) => [...rows, rows.at(-1) ?? []];
    const kept = {
      ever: longer(standing.ever).map((r) => [...r, 0]),
      latest: longer(standing.latest).map((r) => [...r, 0]),
      facts: longer(standing.facts),
    };
    const plain = plainDecoder(network, values, [...tokens, 3 + row], kept).at(-1);
    t.ok(furthest(p.subarray(row * 17, (row + 1) * 17), plain) < 1e-5, `row ${row}`);
  }
}
