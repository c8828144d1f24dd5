/**
 * MedTok's losses: codebook and commitment, KL, packing of shared and of specific information (medtok.md
 * section 3), in the strict reading and in that of the public code. Every term has shape [].
 */
import type { Graph, Tensor } from "../../engine/graph.ts";
import { normal } from "../../engine/initial.ts";
import { softmax } from "../../engine/ops/activation.ts";
import { add, div, mul, scale, stopGradient, sub } from "../../engine/ops/elementwise.ts";
import { gatherRows } from "../../engine/ops/indexing.ts";
import { concat, slice } from "../../engine/ops/layout.ts";
import {
  frobeniusNorm,
  logSumExp,
  matmulTransposed,
  transposedMatmul,
} from "../../engine/ops/nearest.ts";
import { l2Normalise } from "../../engine/ops/normalization.ts";
import { mean, sum } from "../../engine/ops/reduction.ts";
import { dimAsFloat } from "../../engine/ops/sizes.ts";
import type { Dim } from "../../engine/shape.ts";
import { partRegions } from "./codebook.ts";
import type { MedTokConfig } from "./config.ts";
import { type Encoded, encode, type NetworkSizes } from "./network.ts";
import { type QuantizedPart, Quantizer } from "./quantizer.ts";

/** mean((sg[e] - ê)²) + commitment · mean((e - sg[ê])²), over batch and coordinates (3.1). */
export function codebookLoss({ base, vector }: QuantizedPart, commitment: number): Tensor {
  const square = (x: Tensor) => mean(mul(x, x));
  const book = square(sub(stopGradient(base), vector));
  return add(book, scale(square(sub(base, stopGradient(vector))), commitment));
}

/** InfoNCE from a to b, both [B, w]: cosine over temperature, positives on the diagonal (3.2). */
export function contrast(a: Tensor, b: Tensor, temperature: number): Tensor {
  const left = scale(l2Normalise(a), 1 / temperature);
  const right = l2Normalise(b);
  const positive = sum(mul(left, right), [1], { keep: true });
  return mean(sub(logSumExp(matmulTransposed(left, right)), positive));
}

/** Mean over rows of the cosine of u and v, both [B, d]. */
export function alignment(u: Tensor, v: Tensor): Tensor {
  return mean(sum(mul(l2Normalise(u), l2Normalise(v)), [1]));
}

/**
 * ‖aᵀ b‖_F / B. `Deviation:` the public code does not divide by B, so that the term's strength changes
 * with the batch size (3.3); with `isRaw` neither does this.
 */
export function orthogonality(a: Tensor, b: Tensor, isRaw: boolean): Tensor {
  const norm = frobeniusNorm(transposedMatmul(a, b));
  if (isRaw) return norm;
  const count = dimAsFloat(a.graph, a.shape[0] as Dim);
  return sum(div(norm, count));
}

/**
 * KL(softmax(-dist(u, C) / τ) ‖ softmax(-dist(v, C) / τ)), mean over the batch, for unit u, v [B, d] and unit
 * rows [R, d] without gradient (3.4). The codebook learns from the codebook term only, as elsewhere.
 */
export function divergence(u: Tensor, v: Tensor, rows: Tensor, temperature: number): Tensor {
  const logits = (x: Tensor) => scale(matmulTransposed(x, rows), 2 / temperature);
  const [a, b] = [logits(u), logits(v)];
  const logRatio = sub(sub(a, logSumExp(a)), sub(b, logSumExp(b)));
  return mean(sum(mul(softmax(a), logRatio), [1]));
}

export const LOSS_TERMS = [
  "codebook",
  "kl",
  "sharedContrast",
  "alignment",
  "specificContrast",
  "orthogonality",
] as const;
export type LossTerm = (typeof LOSS_TERMS)[number];

/** Everything a training step gives. */
export interface Losses {
  readonly total: Tensor;
  /** Each term as it enters the total, weights and signs included; a term that is not there is left out. */
  readonly terms: ReadonlyMap<LossTerm, Tensor>;
  readonly parts: readonly (QuantizedPart | undefined)[];
  readonly quantizer: Quantizer;
  readonly encoded: Encoded;
}

interface Quantized {
  readonly parts: readonly (QuantizedPart | undefined)[];
  readonly views: readonly (QuantizedPart | undefined)[];
}

/** Quantizes parts and views, those of one region in one search. */
export function quantizeAll(
  quantizer: Quantizer,
  encoded: Encoded,
  config: MedTokConfig,
): Quantized {
  const regionOf = partRegions(config);
  const parts: (QuantizedPart | undefined)[] = [undefined, undefined, undefined, undefined];
  const views: (QuantizedPart | undefined)[] = [undefined, undefined];
  const groups: readonly (readonly number[])[] = [[0], [1], [2, 3]];
  for (const group of groups) {
    const present = group.filter((part) => encoded.parts[part] !== undefined);
    const vectors = present.map((part) => encoded.parts[part] as Tensor);
    const first = present[0];
    const region = regionOf[first ?? 0];
    if (first === undefined || region === undefined) continue;
    const view = group.length === 1 ? encoded.views[first] : undefined;
    if (view !== undefined) vectors.push(view);
    const batch = (vectors[0] as Tensor).shape[0] as Dim;
    const quantized = quantizer.quantize(vectors, region, batch);
    for (const [i, part] of present.entries()) parts[part] = quantized[i];
    if (view !== undefined) views[first] = quantized.at(-1);
  }
  return { parts, views };
}

const plus = (terms: readonly (Tensor | undefined)[]): Tensor | undefined =>
  terms.reduce((a, b) => (a === undefined ? b : b === undefined ? a : add(a, b)), undefined);

/** The codebook as a parameter of the graph. */
export function codebookParameter(g: Graph, config: MedTokConfig): Tensor {
  return g.parameter("codebook", [config.codebookSize, config.width], normal(1), false);
}

/** The specific half: each specific vector beside the other modality's shared one, against its view (3.3). */
function specificTerms(
  { parts, views }: Quantized,
  config: MedTokConfig,
): { contrast: Tensor | undefined; orthogonality: Tensor | undefined } {
  const isRaw = config.protocol === "paper";
  const each = [0, 1].map((side) => {
    const [own, view] = [parts[side], views[side]];
    const shared = parts[2 + side];
    if (own === undefined || view === undefined || shared === undefined) return undefined;
    const other = parts[3 - side];
    const beside = (x: Tensor) => (other === undefined ? x : concat([x, other.through], 1));
    return {
      contrast: contrast(beside(own.through), beside(view.through), config.contrastTemperature),
      orthogonality: orthogonality(own.through, shared.through, isRaw),
    };
  });
  const all = plus(each.map((side) => side?.orthogonality));
  return {
    contrast: plus(each.map((side) => side?.contrast)),
    orthogonality: all === undefined ? undefined : scale(all, config.lambda),
  };
}

function sharedTerms(
  { parts }: Quantized,
  encoded: Encoded,
  config: MedTokConfig,
): { contrast: Tensor; alignment: Tensor } | undefined {
  const [, , text, graph] = parts;
  if (text === undefined || graph === undefined) return undefined;
  const tau = config.contrastTemperature;
  const isPaper = config.protocol === "paper";
  const [u, v] = isPaper
    ? [encoded.text as Tensor, encoded.graph as Tensor]
    : [encoded.parts[2] as Tensor, encoded.parts[3] as Tensor];
  return {
    contrast: add(
      contrast(text.through, graph.through, tau),
      contrast(graph.through, text.through, tau),
    ),
    alignment: scale(alignment(u, v), -2 * config.beta),
  };
}

function klTerm(quantizer: Quantizer, { parts }: Quantized, config: MedTokConfig) {
  const [, , text, graph] = parts;
  const region = partRegions(config)[2];
  if (config.klWeight === 0 || text === undefined || graph === undefined || region === undefined)
    return undefined;
  const g = quantizer.codebook.graph;
  const size = region.to - region.from;
  const isSampled = config.klRows > 0 && config.klRows < size;
  const rows = isSampled
    ? gatherRows(quantizer.rows, g.input("klRows", [config.klRows], "int32"))
    : slice(quantizer.rows, 0, region.from, region.to);
  const kl = divergence(text.unit, graph.unit, rows, config.klTemperature);
  return scale(kl, config.klWeight);
}

/** The training graph: encoders, quantization, total loss. */
export function trainingLosses(g: Graph, config: MedTokConfig, sizes: NetworkSizes): Losses {
  const quantizer = new Quantizer(codebookParameter(g, config), config);
  const encoded = encode(g, config, sizes);
  const quantized = quantizeAll(quantizer, encoded, config);
  const parts = quantized.parts;
  const specific = specificTerms(quantized, config);
  const shared = sharedTerms(quantized, encoded, config);
  const found: Record<LossTerm, Tensor | undefined> = {
    codebook: plus(parts.map((part) => part && codebookLoss(part, config.commitment))),
    kl: klTerm(quantizer, quantized, config),
    sharedContrast: shared?.contrast,
    alignment: shared?.alignment,
    specificContrast: specific.contrast,
    orthogonality: specific.orthogonality,
  };
  const terms = new Map<LossTerm, Tensor>();
  for (const name of LOSS_TERMS) {
    const term = found[name];
    if (term !== undefined) terms.set(name, term);
  }
  const total = plus([...terms.values()]) as Tensor;
  return { total, terms, parts, quantizer, encoded };
}
