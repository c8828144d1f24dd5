import t from "tap";
import { Random } from "../../../core/random.ts";
import { Decoder } from "../../../ehr-models/ethos/decoder.ts";
import {
  causalBias,
  fullGraph,
  lossGraph,
  type Network,
} from "../../../ehr-models/ethos/network.ts";
import { toOnnx } from "../../../engine/onnx.ts";
import { Session } from "../../../engine/runner.ts";
import { State } from "../../../engine/state.ts";
import { plainDecoder, softmax } from "../../support/plain-decoder.ts";

const NETWORK: Network = {
  vocabulary: 23,
  width: 16,
  heads: 2,
  layers: 2,
  feedForward: 32,
  context: 48,
  dropout: 0,
  attentionDropout: 0,
};

function parameters(network: Network): Map<string, Float32Array> {
  const { graph } = lossGraph(network, true);
  const state = new State(graph.parameters, Random.fromSeed(3).derive("init"));
  const drawn = state.exportParameters();
  // Larger than at the start of training, so that attention is far from uniform.
  const random = Random.fromSeed(4);
  for (const values of drawn.values())
    for (let i = 0; i < values.length; i++)
      values[i] = (values[i] as number) + 0.3 * random.normal();
  return drawn;
}

/** Softmax of the logits after each position of one row, by the full forward pass. */
async function fullProbabilities(
  network: Network,
  values: Map<string, Float32Array>,
  tokens: Int32Array,
) {
  const { graph, logits } = fullGraph(network);
  const session = await Session.create(toOnnx(graph, [logits]));
  for (const [name, array] of values) session.hold(name, array);
  const L = tokens.length;
  const results = await session.run(
    {
      "tokens.ids": tokens,
      "positions.ids": Int32Array.from(tokens, (_, i) => i),
      causal: causalBias(L),
    },
    { B: 1, L },
  );
  await session.release();
  const z = results.get(logits.name) as Float32Array;
  return Array.from({ length: L }, (_, i) => {
    const row = Float64Array.from(
      z.subarray(i * network.vocabulary, (i + 1) * network.vocabulary),
      Math.exp,
    );
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((x) => x / sum);
  });
}

const draw = (random: Random, n: number) =>
  Int32Array.from({ length: n }, () => random.below(NETWORK.vocabulary));
const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let most = 0;
  for (let i = 0; i < b.length; i++)
    most = Math.max(most, Math.abs((a[i] as number) - (b[i] as number)));
  return most;
};

/** Wide enough for the other form of the products (more than 128 inputs). */
const WIDE: Network = { ...NETWORK, width: 144, layers: 1, feedForward: 160 };

t.test(
  "the full forward pass is that of the equations, in both forms of its products",
  async (t) => {
    for (const network of [NETWORK, WIDE]) {
      const values = parameters(network);
      const tokens = draw(Random.fromSeed(6), 12);
      const ours = await fullProbabilities(network, values, tokens);
      const plain = plainDecoder(network, values, tokens);
      for (const [i, row] of plain.entries())
        t.ok(furthest(ours[i] ?? [], row) < 1e-5, `width ${network.width}, position ${i}`);
    }
  },
);

t.test("a wide network decodes with caches too", async (t) => {
  const values = parameters(WIDE);
  const parameterOf = (name: string) => values.get(name) as Float32Array;
  const options = { prompts: 1, futures: 2, newTokens: 4, temperature: 1, threads: 1 };
  const decoder = await Decoder.create({ ...options, network: WIDE, parameterOf });
  t.teardown(() => decoder.release());
  decoder.place(0, await decoder.read({ tokens: Int32Array.of(3, 4, 5) }));
  await decoder.step(Int32Array.of(7, 8));
  const probabilities = await decoder.step(Int32Array.of(9, 10));
  const plain = plainDecoder(WIDE, values, [3, 4, 5, 8, 10]);
  t.ok(furthest(probabilities.subarray(WIDE.vocabulary), plain.at(-1) ?? []) < 1e-5);
});

t.test("temperature divides the logits", async (t) => {
  const values = parameters(NETWORK);
  const parameterOf = (name: string) => values.get(name) as Float32Array;
  const options = { prompts: 1, futures: 1, newTokens: 2, temperature: 2.5, threads: 1 };
  const decoder = await Decoder.create({ ...options, network: NETWORK, parameterOf });
  t.teardown(() => decoder.release());
  const { probabilities } = await decoder.read({ tokens: Int32Array.of(1, 2) });
  const plain = plainDecoder(NETWORK, values, [1, 2]).at(-1) ?? [];
  const cooler = softmax(plain.map((p) => Math.log(p) / 2.5));
  t.ok(furthest(probabilities, cooler) < 1e-5);
});

t.test(
  "decoding with caches equals the full forward pass, row by row, restarts and refills included",
  async (t) => {
    const values = parameters(NETWORK);
    const options = { prompts: 2, futures: 3, newTokens: 9, temperature: 1, threads: 1 };
    const decoder = await Decoder.create({
      ...options,
      network: NETWORK,
      parameterOf: (name) => values.get(name) as Float32Array,
    });
    t.teardown(() => decoder.release());
    const random = Random.fromSeed(9);
    decoder.makeRoom(35);
    const prompts: Int32Array[] = [draw(random, 5), draw(random, 35)];
    const place = async (group: number, prompt: Int32Array) => {
      prompts[group] = prompt;
      const read = await decoder.read({ tokens: prompt });
      const full = await fullProbabilities(NETWORK, values, prompt);
      t.ok(furthest(read.probabilities, full.at(-1) ?? []) < 1e-5, "after the prompt");
      decoder.place(group, read);
    };
    await place(0, prompts[0] as Int32Array);
    await place(1, prompts[1] as Int32Array);
    const futures: number[][] = Array.from({ length: 6 }, () => []);
    const check = async (title: string, row: number, token: number, all: Float32Array) => {
      futures[row]?.push(token);
      const prompt = prompts[Math.floor(row / 3)] ?? [];
      const whole = Int32Array.of(...prompt, ...(futures[row] ?? []));
      const full = await fullProbabilities(NETWORK, values, whole);
      const { vocabulary } = NETWORK;
      const ours = all.subarray(row * vocabulary, (row + 1) * vocabulary);
      t.ok(furthest(ours, full.at(-1) ?? []) < 1e-5, title);
    };
    // Prompts that were placed stay, in more room and in less.
    const rooms = [35, 35, 100, 100, 100, 100, 100, 100, 100, 35, 35, 35, 35, 35];
    for (let step = 0; step < 14; step++) {
      decoder.makeRoom(rooms[step] as number);
      if (step === 4) {
        decoder.restart(4);
        futures[4] = [];
      }
      if (step === 7) {
        await place(0, draw(random, 11));
        for (const row of [0, 1, 2]) futures[row] = [];
      }
      // Row 5 pauses at times; no row gets longer than room is.
      const isResting = (row: number) =>
        (row === 5 && step % 3 === 1) || (futures[row] ?? []).length >= options.newTokens;
      const tokens = draw(random, 6).map((token, row) => (isResting(row) ? -1 : token));
      const probabilities = await decoder.step(tokens);
      for (const [row, token] of tokens.entries())
        if (token >= 0) await check(`step ${step}, row ${row}`, row, token, probabilities);
    }
  },
);

t.test("a row may grow past the room there was, while another begins again", async (t) => {
  const values = parameters(NETWORK);
  const parameterOf = (name: string) => values.get(name) as Float32Array;
  const options = { prompts: 1, futures: 2, newTokens: 40, temperature: 1, threads: 1 };
  const decoder = await Decoder.create({ ...options, network: NETWORK, parameterOf });
  t.teardown(() => decoder.release());
  const random = Random.fromSeed(7);
  const prompt = draw(random, 3);
  decoder.place(0, await decoder.read({ tokens: prompt }));
  const rows: number[][] = [[...prompt], [...prompt]];
  const restarts = new Map([
    [30, 1],
    [40, 0],
  ]);
  for (let step = 0; step < 44; step++) {
    const again = restarts.get(step);
    if (again !== undefined) {
      rows[again] = [...prompt];
      decoder.restart(again);
    }
    const tokens = draw(random, 2);
    for (const [row, token] of tokens.entries()) rows[row]?.push(token);
    const all = await decoder.step(tokens);
    for (const [row, read] of rows.entries()) {
      const plain = plainDecoder(NETWORK, values, read).at(-1) ?? [];
      const ours = all.subarray(row * NETWORK.vocabulary, (row + 1) * NETWORK.vocabulary);
      t.ok(furthest(ours, plain) < 1e-5, `step ${step}, row ${row} of ${read.length} tokens`);
    }
  }
});

t.test("what comes later changes nothing that was said before", async (t) => {
  const values = parameters(NETWORK);
  const random = Random.fromSeed(2);
  const tokens = draw(random, 20);
  const before = await fullProbabilities(NETWORK, values, tokens);
  const changed = tokens.slice();
  for (let i = 12; i < 20; i++)
    changed[i] = ((changed[i] as number) + 1 + random.below(20)) % NETWORK.vocabulary;
  const after = await fullProbabilities(NETWORK, values, changed);
  for (let i = 0; i < 20; i++) {
    const distance = furthest(before[i] ?? [], after[i] ?? []);
    if (i < 12) t.ok(distance < 1e-6, `position ${i}`);
    else t.ok(distance > 1e-3, `position ${i} sees the change`);
  }
});
