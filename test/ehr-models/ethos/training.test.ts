/** What training asks beside the next token, and the batches it goes through. */
import t from "tap";
import { Random } from "../../../core/random.ts";
import { type BatchSource, mixedBatches } from "../../../ehr-models/batch-source.ts";
import { fullGraph, lossGraph, type Network } from "../../../ehr-models/ethos/network.ts";
import { wholeSubjects } from "../../../ehr-models/ethos/training.ts";
import { cutWindows, type Subject, windowSource } from "../../../ehr-models/ethos/windows.ts";
import { toOnnx } from "../../../engine/onnx.ts";
import { Session } from "../../../engine/runner.ts";
import { State } from "../../../engine/state.ts";
import { TOTAL_WEIGHT, Trainer } from "../../../engine/trainer.ts";
import { plantedSubjects, plantedVocabulary, rowOf, whole } from "../../support/planted-records.ts";

const TIMELINES = whole(plantedSubjects(12, { again: [0.8, 0.8], soon: 0.5, dies: [0.5, 0.5] }, 3));
const VOCABULARY = plantedVocabulary(TIMELINES);
const ENDINGS = VOCABULARY.endings();
const NETWORK: Network = {
  vocabulary: VOCABULARY.size,
  width: 8,
  heads: 2,
  layers: 1,
  feedForward: 8,
  context: 64,
  dropout: 0,
  attentionDropout: 0,
  standing: true,
};

function windows(): { readonly source: (network: Network) => BatchSource; readonly size: number } {
  const subjects: Subject[] = wholeSubjects(TIMELINES, VOCABULARY);
  const cut = cutWindows(subjects, 60, Random.fromSeed(1));
  return { source: (network) => windowSource(cut, VOCABULARY, network), size: cut.length };
}

/** Loss of one step over all windows, and the sum by hand of -log of each ending among all endings. */
async function lossWith(weight: number) {
  const network = weight > 0 ? { ...NETWORK, endings: { tokens: ENDINGS, weight } } : NETWORK;
  const { graph, loss } = lossGraph(network, true);
  const random = Random.fromSeed(5);
  const trainer = await Trainer.create({ graph, loss, random, threads: 1 });
  const { source, size } = windows();
  const { feeds, dims } = source(network).collate(Int32Array.from({ length: size }, (_, i) => i));
  const targets = [...(feeds["weight"] ?? [])].reduce<number>((sum, w) => sum + Number(w), 0);
  const value = await trainer.accumulate([{ feeds, dims, weight: targets }]);
  await trainer.release();
  return { value, feeds, dims, targets };
}

t.test("endings are told apart with their weight, among themselves only", async (t) => {
  const names = ["HOSPITAL_DISCHARGE/DIED", "HOSPITAL_DISCHARGE/HOME"];
  const wanted = names.map((name) => VOCABULARY.codeTokens[rowOf(name)]?.[0] ?? 0);
  t.same(
    [...ENDINGS],
    wanted.sort((a, b) => a - b),
  );
  const plain = await lossWith(0);
  const { feeds, dims, targets } = plain;
  const { graph, logits } = fullGraph(NETWORK);
  const session = await Session.create(toOnnx(graph, [logits]));
  const state = new State(graph.parameters, Random.fromSeed(5).derive("init"));
  for (const name of state.names) session.hold(name, state.parameter(name));
  const asked = Object.entries(feeds).filter(([name]) => graph.inputs.has(name));
  const z = (await session.run(Object.fromEntries(asked), dims)).get(logits.name) as Float32Array;
  await session.release();
  let sum = 0;
  let count = 0;
  for (const [i, target] of [...(feeds["targets"] ?? [])].entries()) {
    if (feeds["weight"]?.[i] !== 1 || !ENDINGS.includes(Number(target))) continue;
    const of = (token: number) => Math.exp(z[i * VOCABULARY.size + token] ?? Number.NaN);
    sum -= Math.log(of(Number(target)) / ENDINGS.reduce((all, token) => all + of(token), 0));
    count += 1;
  }
  t.ok(count > 12, `${count} stays`);
  for (const weight of [1, 7]) {
    const more = (await lossWith(weight)).value - plain.value;
    t.ok(Math.abs(more - (weight * sum) / targets) < 1e-5, `${more}, weight ${weight}`);
  }
  t.notOk(graph.inputs.has(TOTAL_WEIGHT), "nothing of it is left where tokens are drawn");
});

t.test("batches mix lengths: each window once, the longest of a batch first", (t) => {
  const lengths = Int32Array.from({ length: 103 }, (_, i) => 1 + ((i * 37) % 101));
  const source: BatchSource = {
    size: lengths.length,
    specs: {},
    lengthOf: (i) => lengths[i] as number,
    collate: () => ({ feeds: {}, dims: {} }),
  };
  const batches = mixedBatches(source, 16, Random.fromSeed(2));
  t.same(
    batches.map(({ length }) => length),
    [16, 16, 16, 16, 16, 16, 7],
  );
  t.same(
    batches.flatMap((batch) => [...batch]).sort((a, b) => a - b),
    [...lengths.keys()],
  );
  const sums = batches.slice(0, 6).map((batch) => {
    const own = [...batch].map((i) => source.lengthOf(i));
    t.same(
      own,
      [...own].sort((a, b) => b - a),
    );
    return own.reduce((a, b) => a + b, 0);
  });
  t.ok(Math.max(...sums) < 2 * Math.min(...sums), `tokens of batches: ${sums}`);
  t.end();
});
