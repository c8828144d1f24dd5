/**
 * A gated recurrent network over visits: order and recency, without attention.
 *
 *   v_t    = Σ_{codes c of visit t} E[c]                                                     [B, T, d]
 *   x_t    = [v_t; τ(days from visit t to the prediction); τ(days since visit t - 1)],  τ(x) = log(1 + x) / 10
 *   h_t    = GRU(x_t, h_{t-1}),  h_0 = 0, oldest visit first                                 [B, T, H]
 *   logits = drop(h_T) W + s f W_f + b                                                       [B, C]
 *
 * with h_T the state after the last visit that is there (padding carries a state on), f age, sex and race, and
 * s = `factsScale`, as in `retain`. The cell is that of Cho et al., EMNLP 2014, with the reset gate after the product
 * (models.md 0.5).
 * The set-up is that of the GRU baselines of Choi et al., Doctor AI, MLHC 2016, and RETAIN, NeurIPS 2016.
 * The latest `maxVisits` visits are read, and the latest `maxVisitCodes` codes of each.
 *
 * Deviation: times and demographics are inputs; the baselines read codes and times alone.
 */
import type { Tensor } from "../engine/graph.ts";
import { dropout } from "../engine/layers/dropout.ts";
import { lastState, gru as recurrence } from "../engine/layers/gru.ts";
import { linear } from "../engine/layers/linear.ts";
import { scale } from "../engine/ops/elementwise.ts";
import { concat } from "../engine/ops/layout.ts";
import { checkRates, checkSizes } from "./checks.ts";
import { defineGraphModel } from "./graph-model.ts";
import { type ForwardContext, type GraphModel, RIDGE_DEFAULTS } from "./model-graphs.ts";
import { FACT_COLUMNS, subjectFacts } from "./subject-facts.ts";
import { visitInputs } from "./visit-inputs.ts";
import { logDays, visitSums } from "./visit-sums.ts";

const COLUMNS = [
  "codes",
  "membership",
  "visitMask",
  "visitDays",
  "visitGap",
  ...FACT_COLUMNS,
] as const;

const DEFAULTS = {
  ...RIDGE_DEFAULTS,
  /** Of one class: divided by C for multilabel tasks. */
  weightDecay: 1,
  width: 64,
  hidden: 64,
  /** Of the last state. */
  dropout: 0.1,
  /** Of elements of v_t. */
  inputDropout: 0.1,
  /** Of whole codes. */
  codeDropout: 0.3,
  /** Standard deviation of a learned table at the start. */
  initialScale: 0.02,
  /** s. */
  factsScale: 5,
  maxVisits: 16,
  maxVisitCodes: 128,
};
type H = typeof DEFAULTS;
/** Histories are cut by visits, not by codes; a limit that none reaches. */
const ALL_CODES = 1e9;

function forward(context: ForwardContext<H>): Tensor {
  const { inputs, hyperparameters: h, classes } = context;
  const days = logDays(inputs["visitDays"] as Tensor);
  const gap = logDays(inputs["visitGap"] as Tensor);
  const x = concat([visitSums(context), days, gap], 2);
  const mask = inputs["visitMask"] as Tensor;
  const states = recurrence(x, "gru", { batch: "B", steps: h.maxVisits, width: h.hidden, mask });
  const last = dropout(lastState(states), h.dropout, "state");
  const facts = scale(subjectFacts(context), h.factsScale);
  return linear(concat([last, facts], 1), classes, "output", { fewRows: true });
}

export const gruModel: GraphModel<H> = {
  name: "gru",
  version: 3,
  description: "Gated recurrent network over sums of code vectors per visit, with times.",
  reference: "Cho et al., EMNLP 2014; as a baseline in Choi et al., NeurIPS 2016",
  accepts: ["binary", "multiclass", "multilabel"],
  defaults: DEFAULTS,
  isDecayPerClass: true,
  presets: {
    default: {},
    large: { width: 126, hidden: 128 },
  },
  history: () => ({ maxCodes: ALL_CODES, repeats: "once-per-visit" }),
  check: (h) => {
    checkRates(h);
    checkSizes(h, ["width", "hidden", "maxVisits", "maxVisitCodes"]);
  },
  inputs: (source, tokenizer, { maxVisits, maxVisitCodes }) => {
    const options = { maxVisits, maxVisitCodes, order: "oldest-first", fixedVisits: true } as const;
    return visitInputs(source, tokenizer, options, COLUMNS);
  },
  recurrent: true,
  bytesOfSample: (length, { width, hidden, maxVisits }) =>
    4 * Math.max(length * Math.max(width, maxVisits), 3 * maxVisits * hidden),
  forward,
};

export const gru = defineGraphModel(gruModel);
