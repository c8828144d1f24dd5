/**
 * RETAIN: a prediction that is linear in the visits, weighted by two attentions that look back in time.
 *
 * Choi, Bahadori, Kulas, Schuetz, Stewart, Sun: RETAIN, NeurIPS 2016 (numbers of its steps and equations).
 * Notation: B samples, T visits, m width of visits, p and q widths of the recurrences, C classes.
 *
 *   v_t    = Σ_{codes c of visit t} E[c] = x_t E                          (step 1)           [B, T, m]
 *   g_t    = GRU_α([v_t; τ_t], g_{t+1}),  h_t = GRU_β([v_t; τ_t], h_{t+1})   for t = T, ..., 1
 *   α      = softmax over the visits that are there of g_t w_α + b_α      (step 2, equation 1) [B, T]
 *   β_t    = tanh(h_t W_β + b_β)                                          (step 3, equation 2) [B, T, m]
 *   c      = Σ_t α_t β_t ⊙ v_t                                            (step 4)           [B, m]
 *   logits = drop(c) W + s f W_f + b                                      (step 5)           [B, C]
 *   code c of visit t adds  α_t (β_t ⊙ E[c]) · W[:, k]  to the logit of class k  (equation 5)
 *
 * τ_t = log(1 + days from visit t to the prediction) / 10. Visits stand latest first in a batch, so that looking
 * back is an ordinary recurrence, padding comes last, and α, β and v share one index.
 * The latest `maxVisits` visits are read, and the latest `maxVisitCodes` codes of each: v_t is a sum, in which
 * visits of very many codes would drown the others.
 *
 * Deviation: age, sex and race enter the last layer as f (`demographics`), which the paper has not; the
 *   logit stays a sum of contributions. They are scaled by s (`factsScale`): a few small numbers would be learned
 *   long after thousands of codes, which are overfitted by then.
 * Deviation: τ is divided by ten, as undivided it drowns the small vectors that codes start with.
 * Deviation: the published code halves the states g_t and h_t before use; the paper's equations do not.
 * Deviation: AdamW with decay instead of Adadelta with an L2 term; biases in the reset product (torch's cell).
 * Deviation: small initial tables, and dropout of whole codes, as in `transformer`.
 */

import type { Tensor } from "../engine/graph.ts";
import { HIDDEN } from "../engine/layers/attention-bias.ts";
import { dropout } from "../engine/layers/dropout.ts";
import { gru as recurrence } from "../engine/layers/gru.ts";
import { linear } from "../engine/layers/linear.ts";
import { softmax, tanh } from "../engine/ops/activation.ts";
import { add, mul, scale, shift } from "../engine/ops/elementwise.ts";
import { concat, reshape } from "../engine/ops/layout.ts";
import { sum } from "../engine/ops/reduction.ts";
import { multiplyDims } from "../engine/shape.ts";
import { checkRates, checkSizes } from "./checks.ts";
import { defineGraphModel } from "./graph-model.ts";
import { type ForwardContext, type GraphModel, RIDGE_DEFAULTS } from "./model-graphs.ts";
import { FACT_COLUMNS, subjectFacts } from "./subject-facts.ts";
import { visitInputs } from "./visit-inputs.ts";
import { logDays, visitSums } from "./visit-sums.ts";

const COLUMNS = ["codes", "membership", "visitMask", "visitDays"] as const;

const DEFAULTS = {
  ...RIDGE_DEFAULTS,
  /** m. */
  width: 64,
  /** p and q. */
  alphaHidden: 64,
  betaHidden: 64,
  /** Of elements of c. */
  dropout: 0.1,
  /** Of elements of v_t. */
  inputDropout: 0.1,
  /** Of whole codes. */
  codeDropout: 0.3,
  /** Standard deviation of a learned table at the start. */
  initialScale: 0.02,
  /** Whether the recurrences read τ_t. */
  times: true,
  /** Whether f enters the last layer. */
  demographics: true,
  /** s. */
  factsScale: 5,
  maxVisits: 16,
  maxVisitCodes: 128,
};
type H = typeof DEFAULTS;
/** Histories are cut by visits, not by codes; a limit that none reaches. */
const ALL_CODES = 1e9;

export interface RetainParts {
  /** [B, T, m]. */
  readonly visits: Tensor;
  /** [B, T]. */
  readonly alpha: Tensor;
  /** [B, T, m]. */
  readonly beta: Tensor;
  /** [B, C]. */
  readonly logits: Tensor;
}

/** Steps 1 to 5, with the parts that explain a prediction. */
export function retainParts(context: ForwardContext<H>): RetainParts {
  const { inputs, hyperparameters: h, classes } = context;
  const { width: m, maxVisits: T } = h;
  const mask = inputs["visitMask"] as Tensor; // [B, T]
  const visits = visitSums(context);
  const x = h.times ? concat([visits, logDays(inputs["visitDays"] as Tensor)], 2) : visits;
  const states = (name: string, width: number) => {
    const all = recurrence(x, name, { batch: "B", steps: T, width, mask });
    return reshape(all, [multiplyDims("B", T), width]);
  };
  const few = { fewRows: true };
  const scores = linear(states("gruAlpha", h.alphaHidden), 1, "alpha", few);
  const hidden = scale(shift(mask, -1), -HIDDEN); // 1 -> 0, 0 -> HIDDEN
  const alpha = mul(softmax(add(reshape(scores, ["B", T]), hidden)), mask);
  const beta = tanh(linear(states("gruBeta", h.betaHidden), m, "beta", few));
  const betaByVisit = reshape(beta, ["B", T, m]);
  const weighted = mul(mul(reshape(alpha, ["B", T, 1]), betaByVisit), visits);
  const summary = dropout(sum(weighted, [1]), h.dropout, "summary");
  const facts = () => scale(subjectFacts(context), h.factsScale);
  const last = h.demographics ? concat([summary, facts()], 1) : summary;
  const logits = linear(last, classes, "output", few);
  return { visits, alpha, beta: betaByVisit, logits };
}

export const retainModel: GraphModel<H> = {
  name: "retain",
  version: 3,
  description:
    "Two reverse-time attentions over visits; every code's share of a logit can be read off.",
  reference: "Choi et al., NeurIPS 2016",
  accepts: ["binary", "multiclass", "multilabel"],
  defaults: DEFAULTS,
  presets: {
    default: {},
    paper: {
      width: 128,
      alphaHidden: 128,
      betaHidden: 128,
      dropout: 0.5,
      inputDropout: 0.5,
      codeDropout: 0,
      times: false,
      demographics: false,
      batchSize: 100,
      learningRate: 1e-3,
      epsilon: 1e-8,
      weightDecay: 1e-3,
      averaging: 0,
      clipNorm: 0,
      schedule: "constant",
      warmup: 0,
    },
  },
  history: () => ({ maxCodes: ALL_CODES, repeats: "once-per-visit" }),
  check: (h) => {
    checkRates(h);
    checkSizes(h, ["width", "alphaHidden", "betaHidden", "maxVisits", "maxVisitCodes"]);
  },
  inputs: (source, tokenizer, h) => {
    const { maxVisits, maxVisitCodes } = h;
    const options = { maxVisits, maxVisitCodes, order: "latest-first", fixedVisits: true } as const;
    const facts = h.demographics ? FACT_COLUMNS : [];
    const columns = h.times ? COLUMNS : COLUMNS.filter((name) => name !== "visitDays");
    return visitInputs(source, tokenizer, options, [...columns, ...facts]);
  },
  recurrent: true,
  bytesOfSample: (length, { width, alphaHidden, betaHidden, maxVisits }) =>
    4 * Math.max(length * Math.max(width, maxVisits), 3 * maxVisits * (alphaHidden + betaHidden)),
  forward: (context) => retainParts(context).logits,
};

export const retain = defineGraphModel(retainModel);
