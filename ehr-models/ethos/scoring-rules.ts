/** What a fit's settings say about scoring: the rules of futures, the estimate, and the decoder's sizes. */
import { BenchError } from "../../core/errors.ts";
import type { FitContext } from "../../core/model.ts";
import type { Outcome } from "../../core/task.ts";
import { Decoder } from "./decoder.ts";
import type { FutureRules } from "./future.ts";
import type { Network } from "./network.ts";
import { codeTree, singleTokens } from "./outcome.ts";
import type { ScoringRules } from "./scoring.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { flagsOf, type TokenFlags } from "./weighted-future.ts";

export const ESTIMATES = ["auto", "share", "weighted"];

export interface ScoringSettings {
  readonly context: number;
  readonly futures: number;
  readonly estimate: string;
  readonly newTokens: number;
  readonly temperature: number;
  readonly topK: number;
  readonly redraws: number;
}

/** Rows of the decoder: more do not fit the caches. And how many a prompt has, so few that none waits long for the others. */
const MOST_ROWS = 64;
const MOST_FUTURES = 4;
/** Bytes of keys and values of generated tokens. */
const CACHE_BYTES = 256 * 2 ** 20;

/** Positions that the longest future leaves to a prompt. */
export function promptTokens({ context, newTokens }: ScoringSettings): number {
  return context - newTokens;
}

/** What tells outcomes, for the estimate asked for. @throws BenchError where outcomes cannot be weighed. */
function flagsFor(estimate: string, rules: FutureRules, classes: number): TokenFlags | undefined {
  if (estimate === "share") return undefined;
  const singles = singleTokens(rules.tree);
  const isPossible = classes === 1 && rules.topK === 0;
  if (isPossible && singles !== undefined) return flagsOf(singles, rules);
  if (estimate === "auto") return undefined;
  throw new BenchError({
    what: "the weighted estimate is for one class whose codes are one token each, and for topK 0",
    fix: "use --set estimate=share",
    exitCode: 2,
  });
}

export function scoringRules(
  h: ScoringSettings,
  vocabulary: Vocabulary,
  outcome: Outcome,
  context: FitContext,
): ScoringRules {
  const classes = outcome.classes.length;
  const future: FutureRules = {
    vocabulary,
    tree: codeTree(vocabulary, context.codes, outcome),
    allClasses: 2 ** classes - 1,
    hasGiven: outcome.given !== undefined,
    withinDays: outcome.withinDays ?? Number.POSITIVE_INFINITY,
    topK: h.topK,
    newTokens: h.newTokens,
    redraws: h.redraws,
  };
  return {
    future,
    flags: flagsFor(h.estimate, future, classes),
    futures: h.futures,
    promptTokens: promptTokens(h),
    classes,
    random: context.random.derive("futures"),
  };
}

/** Futures of a prompt at once: as even a share of all as can be, so that the last of them are not few. */
function futuresAtOnce(futures: number): number {
  return Math.ceil(futures / Math.ceil(futures / MOST_FUTURES));
}

export function openDecoder(
  { futures, newTokens, temperature }: ScoringSettings,
  network: Network,
  parameters: ReadonlyMap<string, Float32Array>,
  threads: number,
): Promise<Decoder> {
  const atOnce = futuresAtOnce(futures);
  const bytesOfRow = newTokens * network.width * network.layers * 2 * 4;
  const rows = Math.min(MOST_ROWS, CACHE_BYTES / bytesOfRow);
  return Decoder.create({
    network,
    parameterOf: (name) => parameters.get(name) as Float32Array,
    temperature,
    prompts: Math.max(1, Math.floor(rows / atOnce)),
    futures: atOnce,
    newTokens,
    threads,
  });
}
