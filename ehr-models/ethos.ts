/**
 * ETHOS: a record as one timeline of tokens, a decoder that predicts the next token, and answers by sampling
 * many futures of a history and counting those in which the outcome comes first. It never sees a label.
 *
 * Renc et al., Zero shot health trajectory prediction using transformer, npj Digital Medicine 7, 256 (2024),
 * and its two published code bases, v1 and v2 here (models.md, section 8).
 *
 *   timeline = sex, race, age (2), then events; between events at least 5 minutes apart an interval token
 *   logits   = (LN(X_i) + b_i) Eᵀ after the last block, b_i = W_e Σ_all E[c] + W_l Σ_latest E[c] + W_f f
 *   train    : next-token loss over windows of whole timelines of training subjects, and w times the loss of
 *              telling the endings of stays apart (ethos/network.ts)
 *   score    : p = (futures in which the class comes true before the wait ends) / (futures that give an answer)
 *
 * The outcome, the end of the wait and the horizon come with the task (`Outcome` in core/task.ts). A task that
 * has only subjects of whom something came to pass (`given`) is answered from futures in which it does: others
 * are drawn again, up to `redraws` times. Futures that are cut off undecided are left out, as in the paper.
 * With few futures many samples have equal probabilities; AUPRC counts such ties as ties.
 *
 * Deviation: diagnoses stand at the discharge, where they become known, not at the admission (E3), and after its
 *   token, so that the end of a stay is predicted from the stay and not from codes written because of it.
 * Deviation: no measurements, hence none of their quantiles, and neither BMI nor marital status (E4, E14):
 *   histories carry codes only. The length of a stay follows its discharge as a decile, age is two quantile
 *   tokens as in v2. The calendar year is left out, as sources shift their dates.
 * Deviation: a code is one token, its tokenizer's unit; `spelling: pieces` (preset `paper`) writes ATC, ICD and
 *   ICD-10-PCS codes in parts as v1 does. MedTok's codes are four tokens, the heaviest of each segment.
 * Deviation: vectors of a tokenizer are the first values of the token table (models.md 0.9, F3), output rows
 *   included, as the table is tied; segments have first values alike.
 * Deviation: a code counts once a visit, which shortens timelines and futures.
 * Deviation: beside what attention read, logits read b_i (ethos/standing.ts): sums over the codes of all stays that are
 *   over, each code once, and of the latest of them, and facts f: age now, stays so far, the gap before the latest
 *   and its length. Attention averages over codes but risks add up, and an age that is two tokens among
 *   hundreds is learned badly. A stay that goes on is left to attention, so that b_i stays as it was at the end of
 *   the prompt until the next stay is over. `readout = attention` is without it, as published.
 * Deviation: how a stay ended is one token in some fifty, and death one ending in twenty. A second loss, of weight
 *   `endingWeight`, asks which ending it was among the endings, where a stay ended; it makes no token likelier than it
 *   is, knows no task, and is 0 in the paper's preset.
 * Deviation: batches mix windows of all lengths, so that all steps see about as many tokens.
 * Deviation: windows end at their subject (E1), and the loss is divided by the targets, leading positions
 *   left out (E7). The first event is predicted from the leading tokens at the start of a timeline.
 * A run trains on the source it scores, so nobody is met again under another number (E12, H18).
 * Deviation: the duration of a generated interval is drawn from the training subjects' gaps in it, not their
 *   mean, so that horizons inside an interval are met in the right proportion (E8, E9). Age does not advance while
 *   tokens are generated (E11): it is in whole years, and a future is `newTokens` long at most.
 * Deviation: where the prediction lies some time after the last event, the first token is an interval beyond it.
 * Deviation: prompts are cut so that the longest future fits the window; no window slides (models.md 8.4).
 * Deviation: the epoch is chosen by the next-token loss of one training subject in twenty, whole records, not on
 *   the tuning split, whose histories hold no death and no end (ethos/training.ts).
 * Option: `estimate: weighted` weighs the outcome by its probabilities and draws it no more than needed (models.md
 *   8.3, i; ethos/weighted-future.ts): unbiased alike, and far less coarse at the same cost. The default wherever
 *   it can be told: one class whose codes are one token each, and no `topK`. `share` counts, as published.
 */
import { BenchError } from "../core/errors.ts";
import type {
  FitContext,
  FittedModel,
  Hyperparameters,
  ModelDefinition,
  Target,
} from "../core/model.ts";
import type { TokenizerDefinition } from "../core/tokenizer.ts";
import { checkHeads, checkRates, checkSizes, checkTraining, checkWord } from "./checks.ts";
import type { CodeSpelling } from "./ethos/code-tokens.ts";
import { exportDecoder } from "./ethos/export.ts";
import { firstRows } from "./ethos/first-rows.ts";
import { INTERVAL_BOUNDS } from "./ethos/intervals.ts";
import type { Network } from "./ethos/network.ts";
import { MOST_CLASSES } from "./ethos/outcome.ts";
import { scoreSamples } from "./ethos/scoring.ts";
import { ESTIMATES, openDecoder, promptTokens, scoringRules } from "./ethos/scoring-rules.ts";
import { train, wholeSubjects } from "./ethos/training.ts";
import { LEADING, Vocabulary } from "./ethos/vocabulary.ts";
import { resolveHyperparameters } from "./graph-model.ts";
import { TRAINING_DEFAULTS } from "./model-graphs.ts";

const DEFAULTS = {
  ...TRAINING_DEFAULTS,
  learningRate: 4e-3,
  batchSize: 16,
  weightDecay: 0.1,
  width: 64,
  heads: 2,
  layers: 3,
  feedForward: 256,
  dropout: 0.1,
  attentionDropout: 0,
  /** attention | attention+standing: what the next token is read off. */
  readout: "attention+standing" as string,
  /** Share of whole codes that the sums of the readout go without in training. */
  codeDropout: 0.3,
  /** Weight of telling apart how stays ended, beside the next-token loss; 0 for none. */
  endingWeight: 10,
  /** Positions of a window: leading tokens, history and future. */
  context: 320,
  /** v1 | v2: the published lists of time intervals. */
  intervals: "v2" as string,
  /** unit | pieces: one token a code, or ETHOS's own parts of codes. */
  spelling: "unit" as string,
  /** Codes of fewer training subjects share one token a kind. */
  leastSubjects: 5,
  /** M: futures a sample. */
  futures: 20,
  /** auto | share | weighted; auto is weighted wherever that can be. */
  estimate: "auto" as string,
  /** Most tokens of a future. */
  newTokens: 128,
  temperature: 1,
  /** Only so many likeliest tokens can be drawn; 0 for all. */
  topK: 0,
  /** Draws of a future before it is given up for lack of what is given. */
  redraws: 20,
};
type H = typeof DEFAULTS;

const READOUTS = ["attention", "attention+standing"];

function refuse(what: string, fix: string): never {
  throw new BenchError({ what, fix, exitCode: 2 });
}

function check(h: H): void {
  checkTraining(h);
  checkRates(h);
  checkHeads(h.width, h.heads);
  const sizes = ["layers", "feedForward", "context", "leastSubjects", "futures", "newTokens"];
  checkSizes(h, sizes);
  checkWord("readout", h.readout, READOUTS);
  if (!(h.endingWeight >= 0))
    refuse(`endingWeight is ${h.endingWeight}`, "give a number of at least 0");
  checkWord("intervals", h.intervals, Object.keys(INTERVAL_BOUNDS));
  checkWord("spelling", h.spelling, ["unit", "pieces"]);
  checkWord("estimate", h.estimate, ESTIMATES);
  if (!(h.temperature > 0)) refuse(`temperature is ${h.temperature}`, "give a number above 0");
  for (const name of ["topK", "redraws"] as const)
    if (!Number.isInteger(h[name]) || h[name] < 0)
      refuse(`${name} is ${h[name]}`, "give a whole number of at least 0");
  if (promptTokens(h) <= LEADING)
    refuse(
      `context ${h.context} has no room for a history beside ${h.newTokens} new tokens`,
      "choose a larger context or fewer newTokens",
    );
}

function refuses({ labels, outcome }: Target): string | null {
  if (outcome === null)
    return "it answers by generating futures, and the answer is no event that could be waited for";
  if (labels.classes.length > MOST_CLASSES)
    return `it follows at most ${MOST_CLASSES} classes, and there are ${labels.classes.length}`;
  return null;
}

function networkOf(h: H, vocabulary: Vocabulary, context: FitContext): Network {
  const { width, heads, layers, feedForward, dropout, attentionDropout } = h;
  const tokens = firstRows(
    vocabulary,
    context.tokenizer,
    width,
    context.random.derive("first-rows"),
  );
  const endings = vocabulary.endings();
  const isAsked = h.endingWeight > 0 && endings.length > 1;
  return {
    ...{ width, heads, layers, feedForward, dropout, attentionDropout, context: h.context },
    vocabulary: vocabulary.size,
    standing: h.readout === "attention+standing",
    codeDropout: h.codeDropout,
    ...(tokens === undefined ? {} : { tokens }),
    ...(isAsked ? { endings: { tokens: endings, weight: h.endingWeight } } : {}),
  };
}

async function fit(context: FitContext, given: Hyperparameters): Promise<FittedModel> {
  const h = resolveHyperparameters(DEFAULTS, given);
  check(h);
  const { outcome, signal } = context;
  if (outcome === null) return refuse(`ethos: ${refuses(context)}`, "choose another task or model");
  const timelines = await context.timelines({
    maxCodes: Number.MAX_SAFE_INTEGER,
    repeats: "once-per-visit",
  });
  if (timelines.size === 0)
    throw new BenchError({ what: "there are no training subjects", fix: "use more data" });
  const { codes, tokenizer, threads } = context;
  if (h.spelling === "pieces" && tokenizer.representation.kind !== "learned")
    refuse(
      `spelling "pieces" does not read the units of tokenizer ${tokenizer.name}`,
      "use --set spelling=unit",
    );
  const { intervals, leastSubjects } = h;
  const spelling = h.spelling as CodeSpelling;
  const vocabulary = new Vocabulary(timelines, {
    codes,
    tokenizer,
    spelling,
    intervals,
    leastSubjects,
  });
  const rules = scoringRules(h, vocabulary, outcome, context);
  const network = networkOf(h, vocabulary, context);
  const subjects = wholeSubjects(timelines, vocabulary);
  const { summary, parameters } = await train(
    { network, vocabulary, subjects, hyperparameters: h },
    context,
  );
  const decoder = await openDecoder(h, network, parameters, threads);
  let isDisposed = false;
  return {
    summary,
    predict: async (samples) => {
      if (isDisposed) throw new Error("predict: the model was disposed of");
      return scoreSamples(decoder, samples, rules, signal);
    },
    exportOnnx: async () => exportDecoder(network, parameters, vocabulary, h),
    dispose: async () => {
      if (!isDisposed) await decoder.release();
      isDisposed = true;
    },
  };
}

export const ethos: ModelDefinition = {
  name: "ethos",
  version: 4,
  description:
    "Decoder over timelines of events and times, trained on the next token; answers by sampling futures.",
  reference: "Renc et al., npj Digital Medicine 7, 256 (2024)",
  accepts: ["binary", "multilabel"],
  defaults: DEFAULTS,
  presets: {
    default: {},
    benchmark: {
      width: 256,
      heads: 8,
      layers: 4,
      feedForward: 1024,
      context: 512,
      futures: 16,
      learningRate: 1e-3,
      batchSize: 32,
    },
    paper: {
      width: 768,
      heads: 12,
      layers: 6,
      feedForward: 3072,
      dropout: 0.3,
      attentionDropout: 0.3,
      context: 2048,
      intervals: "v1",
      spelling: "pieces",
      leastSubjects: 1,
      newTokens: 512,
      batchSize: 256,
      learningRate: 6e-4,
      warmup: 0.04,
      readout: "attention",
      endingWeight: 0,
      averaging: 0,
      estimate: "share",
    },
  },
  check: (given) => check(resolveHyperparameters(DEFAULTS, given)),
  refuses: (target: Target, _tokenizer: TokenizerDefinition) => refuses(target),
  // Prompts are cut in tokens; age and stays are known from the whole history.
  history: (given) => {
    resolveHyperparameters(DEFAULTS, given);
    return { maxCodes: Number.MAX_SAFE_INTEGER, repeats: "once-per-visit" };
  },
  fit,
};
