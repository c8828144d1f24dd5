/**
 * A gated recurrent network over visits: order and recency, without attention.
 *
 *   v_t    = Σ_{codes c of visit t} E[c]                                                     [B, T, d]
 *   x_t    = [v_t; τ(days from visit t to the prediction); τ(days since visit t - 1)],  τ(x) = log(1 + x) / 10
 *   h_t    = GRU(x_t, h_{t-1}),  h_0 = 0, oldest visit first                                 [B, T, H]
 *   r      = [drop(h_T); drop(Σ_p w_p E[c_p]); drop(Σ_{p in the last visit} E[c_p])]          [B, H + 2d]
 *   logits = r W + s f W_f + b,  r = drop(h_T) where C = 1                                   [B, C]
 *
 * with h_T the state after the last visit that is there (padding carries a state on), w_p = 1 / n for a code that
 * occurs n times among the visits that are read (`code-sums.ts`), f age, sex, race and utilisation, and
 * s = `factsScale`, as in `retain`. Codes that are dropped in training are missing in visits and sums alike. The
 * cell is that of Cho et al., EMNLP 2014, with the reset gate after the product (models.md 0.5).
 * The set-up is that of the GRU baselines of Choi et al., Doctor AI, MLHC 2016, and RETAIN, NeurIPS 2016.
 * The latest `maxVisits` visits are read, and the latest `maxVisitCodes` codes of each.
 *
 * Deviation: times and demographics are inputs; the baselines read codes and times alone.
 * Deviation: with several classes the output reads, beside the last state, two sums of code vectors, over the history
 *   and over the last visit. Most classes are told by a few codes each, and gates pass few codes on through a state of H
 *   numbers. One class needs no such path. `readout = summary` is r = drop(h_T), as published.
 */
import type { Tensor } from "../engine/graph.ts";
import { dropout } from "../engine/layers/dropout.ts";
import { lastState, gru as recurrence } from "../engine/layers/gru.ts";
import { linear } from "../engine/layers/linear.ts";
import { scale } from "../engine/ops/elementwise.ts";
import { concat, reshape, slice } from "../engine/ops/layout.ts";
import { checkRates, checkSizes, checkWord } from "./checks.ts";
import { READOUTS } from "./code-sums.ts";
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
const SUM_COLUMNS = ["share", "isLast"] as const;

const DEFAULTS = {
  ...RIDGE_DEFAULTS,
  /** Of one class: divided by C for multilabel tasks. */
  weightDecay: 1,
  width: 64,
  hidden: 64,
  /** What the output reads: the last state (`summary`), or with several classes also sums of code vectors. */
  readout: "summary+sums" as string,
  /** Of the last state. */
  dropout: 0.1,
  /** Of elements of v_t and of the sums. */
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

const readsSums = ({ readout }: H, classes: number) => readout === "summary+sums" && classes > 1;

/** v_t [B, T, d], and the sums that the output reads, [B, 2d]: two more columns of one product. */
function visitsAndSums(context: ForwardContext<H>): { visits: Tensor; sums: readonly Tensor[] } {
  const { inputs, hyperparameters: h, classes } = context;
  if (!readsSums(h, classes)) return { visits: visitSums(context), sums: [] };
  const column = (name: string) => reshape(inputs[name] as Tensor, ["B", "L", 1]);
  const membership = concat([inputs["membership"] as Tensor, column("share"), column("isLast")], 2);
  const all = visitSums({ ...context, inputs: { ...inputs, membership } }); // [B, T + 2, d]
  const T = h.maxVisits;
  const sums = reshape(slice(all, 1, T, T + SUM_COLUMNS.length), [
    "B",
    SUM_COLUMNS.length * h.width,
  ]);
  return { visits: slice(all, 1, 0, T), sums: [sums] };
}

function forward(context: ForwardContext<H>): Tensor {
  const { inputs, hyperparameters: h, classes } = context;
  const days = logDays(inputs["visitDays"] as Tensor);
  const gap = logDays(inputs["visitGap"] as Tensor);
  const { visits, sums } = visitsAndSums(context);
  const x = concat([visits, days, gap], 2);
  const mask = inputs["visitMask"] as Tensor;
  const states = recurrence(x, "gru", { batch: "B", steps: h.maxVisits, width: h.hidden, mask });
  const last = dropout(lastState(states), h.dropout, "state");
  const facts = scale(subjectFacts(context), h.factsScale);
  return linear(concat([last, ...sums, facts], 1), classes, "output", { fewRows: true });
}

export const gruModel: GraphModel<H> = {
  name: "gru",
  version: 4,
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
    checkWord("readout", h.readout, READOUTS);
  },
  inputs: (source, tokenizer, h) => {
    const { maxVisits, maxVisitCodes } = h;
    const options = { maxVisits, maxVisitCodes, order: "oldest-first", fixedVisits: true } as const;
    const columns = readsSums(h, source.labelSpec.classes.length)
      ? [...COLUMNS, ...SUM_COLUMNS]
      : COLUMNS;
    return visitInputs(source, tokenizer, options, columns);
  },
  recurrent: true,
  bytesOfSample: (length, { width, hidden, maxVisits }) =>
    4 * Math.max(length * Math.max(width, maxVisits + SUM_COLUMNS.length), 3 * maxVisits * hidden),
  forward,
};

export const gru = defineGraphModel(gruModel);
