/** The stream of a tokenizer's own seed, apart from the run's. */
import { Random } from "../../core/random.ts";

/** The stream that everything about a tokenizer of a seed is drawn from. */
export function tokenizerRandom(seed: number): Random {
  return Random.fromSeed(seed).derive("medtok");
}
