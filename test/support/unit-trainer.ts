/** A trainer of a logit a unit, which reads a tokenizer's vectors, and steps of it. */
import { Random } from "../../core/random.ts";
import type { Tokenizer } from "../../core/tokenizer.ts";
import { embedCodes, frozenTables } from "../../ehr-models/code-embedding.ts";
import { Graph } from "../../engine/graph.ts";
import { binaryLoss } from "../../engine/ops/losses.ts";
import { OPTIMIZER_DEFAULTS } from "../../engine/optimizer.ts";
import { TOTAL_WEIGHT, Trainer } from "../../engine/trainer.ts";
import { tokenTokenizer, V } from "./made-tokens.ts";

/** A trainer of a logit a unit, which reads the codebook. */
export async function makeTrainer(threads: number, tokenizer: Tokenizer = tokenTokenizer(true)) {
  const graph = new Graph({ training: true });
  const codes = graph.input("codes", ["B", "L"], "int32");
  const logits = embedCodes(codes, tokenizer, 1, 1);
  const targets = graph.input("y", logits.shape);
  const weight = graph.input("weight", logits.shape);
  const weighting = { weight, total: graph.input(TOTAL_WEIGHT, []) };
  const loss = binaryLoss(logits, targets, weighting);
  const held = frozenTables(tokenizer);
  return Trainer.create({ graph, loss, random: Random.fromSeed(2), threads, held });
}

/** Steps on 2,048 positions, in one part or two. */
export async function trainSteps(trainer: Trainer, steps: number): Promise<void> {
  const random = Random.fromSeed(4);
  for (let step = 0; step < steps; step++) {
    const codes = Int32Array.from({ length: 2048 }, () => random.below(V));
    const y = Float32Array.from(codes, (unit) => (unit % 2 === 0 ? 1 : 0));
    const weight = new Float32Array(codes.length).fill(1);
    const batch = { feeds: { codes, y, weight }, dims: { B: 32, L: 64 }, weight: codes.length };
    await trainer.step([batch], OPTIMIZER_DEFAULTS);
  }
}
