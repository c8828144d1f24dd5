/** Made-up codes with text features and subgraphs: groups share words, a parent node and a grandparent. */
import { Random } from "../../core/random.ts";
import type {
  MedTokInputs,
  TextEncoderState,
  TrainContext,
} from "../../tokenizers/medtok/types.ts";

export const NO_ENCODER: TextEncoderState = {
  kind: "made up",
  width: 0,
  hash: "none",
  settings: {},
  arrays: new Map(),
};

export function trainContext(seed: number, more: Partial<TrainContext> = {}): TrainContext {
  return {
    random: Random.fromSeed(seed),
    threads: 1,
    report: () => {},
    signal: new AbortController().signal,
    ...more,
  };
}

/**
 * `codes` codes in groups of four. Nodes: codes, then groups, then one root. A code's subgraph holds itself,
 * its group, the root, and for odd rows its siblings; text has one word of the group and one of its own.
 */
export function madeUpInputs(codes: number, width = 8, seed = 3): MedTokInputs {
  const random = Random.fromSeed(seed).derive("made up");
  const groups = Math.ceil(codes / 4);
  const words = groups + codes;
  const word = Float32Array.from({ length: words * width }, () => random.normal() / 3);
  const sentence = new Float32Array(codes * width);
  const wordOffset = new Int32Array(codes + 1);
  const wordId = new Int32Array(2 * codes);
  const nodes: number[] = [];
  const from: number[] = [];
  const to: number[] = [];
  const nodeOffset = new Int32Array(codes + 1);
  const edgeOffset = new Int32Array(codes + 1);
  for (let i = 0; i < codes; i++) {
    const group = Math.floor(i / 4);
    wordId[2 * i] = group;
    wordId[2 * i + 1] = groups + i;
    wordOffset[i + 1] = 2 * i + 2;
    for (let j = 0; j < width; j++)
      sentence[i * width + j] =
        (word[group * width + j] as number) + 0.5 * (word[(groups + i) * width + j] as number);
    const siblings = i % 2 === 0 ? [] : [0, 1, 2, 3].map((k) => 4 * group + k);
    const others = siblings.filter((k) => k !== i && k < codes);
    nodes.push(i, codes + group, codes + groups, ...others);
    for (const [a, b] of [[0, 1], [1, 2], ...others.map((_, k) => [1, 3 + k])]) {
      from.push(a as number);
      to.push(b as number);
    }
    nodeOffset[i + 1] = nodes.length;
    edgeOffset[i + 1] = from.length;
  }
  const code = Array.from({ length: codes }, (_, i) => `TEST/${String(i).padStart(4, "0")}`);
  return {
    codes: { code, description: code },
    text: { width, sentence, word, wordOffset, wordId, hash: `text ${seed}` },
    subgraphs: {
      nodeCount: codes + groups + 1,
      nodeOffset,
      node: Int32Array.from(nodes),
      core: new Int32Array(codes).fill(1),
      edgeOffset,
      edgeFrom: Uint16Array.from(from),
      edgeTo: Uint16Array.from(to),
      hash: `graph ${seed}`,
    },
  };
}
