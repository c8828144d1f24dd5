/**
 * Masked codes: hide some codes of a batch and predict them from what is left (Devlin et al., BERT, NAACL
 * 2019, section 3.1). Only codes that the tokenizer knows are hidden or drawn as replacements, never
 * padding, separators or other special tokens (models.md B3).
 *
 *   t      = LN(GELU(x W_t + b_t))  for the states x of hidden positions only                [N, d]
 *   logits = t Eᵀ + b,  E the table of codes itself where there is one ("tied"), else a matrix of its own
 *   loss   = mean over hidden positions of the cross entropy
 *
 * Hidden positions are gathered before the logits are made: N is a few hundred where a batch has thousands.
 */
import type { Random } from "../core/random.ts";
import { FIRST_KNOWN_UNIT, type Tokenizer } from "../core/tokenizer.ts";
import type { Graph, Tensor } from "../engine/graph.ts";
import { normal, zeros } from "../engine/initial.ts";
import { layerNorm } from "../engine/layers/layer-norm.ts";
import { linear } from "../engine/layers/linear.ts";
import { gelu } from "../engine/ops/activation.ts";
import { oneHot, takeRows } from "../engine/ops/indexing.ts";
import { slice, transpose } from "../engine/ops/layout.ts";
import { softmaxLoss } from "../engine/ops/losses.ts";
import { affine } from "../engine/ops/matmul.ts";
import type { Feeds } from "../engine/runner.ts";

export interface MaskRates {
  /** Of known codes: those that are hidden. */
  readonly share: number;
  /** Of hidden codes: those that become MASK (default 0.8) and half of the rest another code. */
  readonly toMask?: number;
}

/** Codes of a batch of which some are hidden. */
export interface MaskedCodes {
  /** As given, with 0 where MASK stands, and other codes where those do. */
  readonly codes: Int32Array;
  /** Positions of MASK. */
  readonly masked: Int32Array;
  /** [N] hidden positions, ascending: those of MASK, of other codes, and of codes left as they are. */
  readonly at: Int32Array;
  /** [N] what stood there. */
  readonly hidden: Int32Array;
}

/** Hides each known code with probability `share`; positions of other units are left alone. */
export function maskCodes(
  codes: Int32Array,
  vocabularySize: number,
  { share, toMask = 0.8 }: MaskRates,
  random: Random,
): MaskedCodes {
  const toRandom = (1 - toMask) / 2;
  const changed = codes.slice();
  const masked: number[] = [];
  const at: number[] = [];
  for (const [i, unit] of codes.entries()) {
    if (unit < FIRST_KNOWN_UNIT || random.uniform() >= share) continue;
    at.push(i);
    const draw = random.uniform();
    if (draw < toMask) {
      changed[i] = 0;
      masked.push(i);
    } else if (draw < toMask + toRandom)
      changed[i] = FIRST_KNOWN_UNIT + random.below(vocabularySize - FIRST_KNOWN_UNIT);
  }
  return {
    codes: changed,
    masked: Int32Array.from(masked),
    at: Int32Array.from(at),
    hidden: Int32Array.from(at, (i) => codes[i] as number),
  };
}

/** What was hidden, and at which positions. */
interface Hidden {
  readonly at: ArrayLike<number>;
  readonly hidden: ArrayLike<number>;
}

const COUNT = "count";

/**
 * The inputs `<name>.at` and `.hidden` [N], less `first`, with their weights, and the value of N. Where nothing
 * is hidden there is one row of weight 0, as the runtime cannot be relied on with none.
 */
export function hiddenFeeds(
  name: string,
  { at, hidden }: Hidden,
  first = FIRST_KNOWN_UNIT,
): { feeds: Feeds; dims: Readonly<Record<string, number>> } {
  const N = Math.max(1, at.length);
  const weight = new Float32Array(N).fill(at.length > 0 ? 1 : 0);
  const padded = (values: ArrayLike<number>, less: number) =>
    Int32Array.from({ length: N }, (_, i) => (values[i] ?? less) - less);
  return {
    feeds: {
      [`${name}.at`]: padded(at, 0),
      [`${name}.hidden`]: padded(hidden, first),
      [`${name}.weight`]: weight,
    },
    dims: { [`${name}.${COUNT}`]: N },
  };
}

/** What `hiddenFeeds` feeds: positions and what was there, [N], and weights [N, 1]. */
export function hiddenInputs(g: Graph, name: string) {
  const N = `${name}.${COUNT}`;
  return {
    at: g.input(`${name}.at`, [N], "int32"),
    hidden: g.input(`${name}.hidden`, [N], "int32"),
    weight: g.input(`${name}.weight`, [N, 1]),
  };
}

/** [d, V - 2] for states x [n, d]: the table of known codes turned around, where it has their width; else a matrix `output` of its own. */
export function outputMatrix(x: Tensor, tokenizer: Tokenizer, deviation: number): Tensor {
  const g = x.graph;
  const width = x.shape[1] as number;
  const known = tokenizer.vocabularySize - FIRST_KNOWN_UNIT;
  const E = g.inputs.get("codes.table");
  const isTied = tokenizer.representation.kind === "learned" && E?.shape[1] === width;
  if (!isTied) return g.parameter("output", [width, known], normal(deviation));
  return transpose(slice(E, 0, FIRST_KNOWN_UNIT, tokenizer.vocabularySize), [1, 0]);
}

export interface HiddenCodeOptions {
  readonly tokenizer: Tokenizer;
  /** The loss is divided by it: the number hidden in the whole batch, say. Shape []. */
  readonly total: Tensor;
  /** Standard deviation of an output matrix at the start. */
  readonly deviation: number;
}

/** The loss of hidden codes, shape [], from states x [n, d] of all positions; parameters are named `<name>.…`. */
export function hiddenCodeLoss(x: Tensor, name: string, options: HiddenCodeOptions): Tensor {
  const g = x.graph;
  const { tokenizer, total, deviation } = options;
  const known = tokenizer.vocabularySize - FIRST_KNOWN_UNIT;
  const { at, hidden, weight } = hiddenInputs(g, name);
  return g.scope(name, () => {
    const few = { fewRows: true };
    const transformed = gelu(linear(takeRows(x, at), x.shape[1] as number, "transform", few));
    const t = layerNorm(transformed, "norm");
    const bias = g.parameter("bias", [known], zeros, false);
    const logits = affine(t, outputMatrix(x, tokenizer, deviation), bias, few); // [N, V - 2]
    return softmaxLoss(logits, oneHot(hidden, known), { weight, total });
  });
}
