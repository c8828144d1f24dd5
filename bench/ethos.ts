/**
 * Tokens that ETHOS generates a second, host sampling and refilling of rows included. Run:
 * npx tsx bench/ethos.ts [threads ...]   (default: 1 2)
 * A model of one million parameters, 1,500 tokens in the vocabulary, 96 prompts of 60 to 160 tokens, 8 futures
 * of 10 to 128 tokens each. The parameters are random: what is drawn does not change what it costs. The
 * last line reads the whole sequence again for each token, as the published code does.
 */
import { Random } from "../core/random.ts";
import { Decoder } from "../ehr-models/ethos/decoder.ts";
import { drawFrom, OVER, type TokenSource } from "../ehr-models/ethos/future.ts";
import { generate, type Job } from "../ehr-models/ethos/generate.ts";
import { lossGraph, type Network } from "../ehr-models/ethos/network.ts";
import { FACTS } from "../ehr-models/ethos/standing.ts";
import { State } from "../engine/state.ts";

const NETWORK: Network = {
  vocabulary: 1500,
  width: 128,
  heads: 4,
  layers: 4,
  feedForward: 512,
  context: 320,
  dropout: 0,
  attentionDropout: 0,
  standing: true,
};
const PROMPTS = 96;
const FUTURES = 8;
const NEW_TOKENS = 128;
const ROUNDS = 3;

/** Draws tokens until it has as many as it was told. */
class FixedLength implements TokenSource {
  readonly #random: Random;
  #left: number;

  constructor(length: number, random: Random) {
    this.#left = length;
    this.#random = random;
  }

  next(p: Float32Array, row: number): number {
    if (this.#left === 0) return OVER;
    this.#left -= 1;
    const from = row * NETWORK.vocabulary;
    return drawFrom(p, from, from + NETWORK.vocabulary, this.#random.uniform()) - from;
  }
}

/** What stands beside a prompt; nothing, which costs as much. */
const beside = (L: number) => ({
  "standing.weights": new Float32Array(2 * L * L),
  "standing.facts": new Float32Array(L * FACTS),
});

function makeJobs(random: Random): { readonly jobs: Job[]; readonly tokens: number } {
  let tokens = 0;
  const jobs = Array.from({ length: PROMPTS }, () => {
    const prompt = Int32Array.from({ length: 60 + random.below(101) }, () =>
      random.below(NETWORK.vocabulary),
    );
    const futures = Array.from({ length: FUTURES }, (_, f) => {
      const length = 10 + random.below(NEW_TOKENS - 10);
      tokens += length;
      return new FixedLength(length, random.derive(f));
    });
    return { prompt: { tokens: prompt, beside }, futures };
  });
  return { jobs, tokens };
}

function parameters(): { readonly of: (name: string) => Float32Array; readonly count: number } {
  const { graph } = lossGraph(NETWORK, false);
  const state = new State(graph.parameters, Random.fromSeed(0));
  return { of: (name) => state.parameter(name), count: state.parameterCount };
}

async function measure(threads: number): Promise<void> {
  const { of: parameterOf, count } = parameters();
  const shape = { prompts: 16, futures: 4, newTokens: NEW_TOKENS };
  const decoder = await Decoder.create({
    network: NETWORK,
    parameterOf,
    temperature: 1,
    threads,
    ...shape,
  });
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { jobs, tokens } = makeJobs(Random.fromSeed(round));
    const start = performance.now();
    await generate(decoder, jobs);
    rates.push(tokens / ((performance.now() - start) / 1000));
  }
  const again = await rereading(decoder);
  await decoder.release();
  rates.sort((a, b) => a - b);
  const shown = (x: number | undefined) => (x ?? 0).toFixed(0);
  console.log(
    `${threads} thread(s), ${count} parameters: ${shown(rates.at(-1))} tokens/s at best, ${shown(rates[1])} in the median; reading again for each token: ${shown(again)}`,
  );
}

/** Tokens a second when the sequence so far is read whole for each next token. */
async function rereading(decoder: Decoder): Promise<number> {
  const steps = 30;
  const start = performance.now();
  for (let i = 0; i < steps; i++)
    await decoder.read({ tokens: new Int32Array(110 + i).fill(3), beside });
  return steps / ((performance.now() - start) / 1000);
}

const asked = process.argv.slice(2).map(Number);
for (const threads of asked.length > 0 ? asked : [1, 2]) await measure(threads);
