/**
 * ETHOS as a file: the network of the next token, without what draws futures from it. `NOTES` say how to
 * answer a question with it; what they leave out is in `future.ts` and `generate.ts`.
 */
import type { ExportedModel } from "../../core/model.ts";
import { exportOnnx } from "../../engine/export.ts";
import { scale } from "../../engine/ops/elementwise.ts";
import { reshape } from "../../engine/ops/layout.ts";
import { fullGraph, type Network } from "./network.ts";
import { LEADING, type Vocabulary } from "./vocabulary.ts";

const NOTES = [
  "tokens.ids: vocabulary.json names them. A row is sex, race, tens and units of the age in years (quantile/0 to quantile/9; age/unknown twice where it is not known), then the timeline, oldest first, then padding (0)",
  "a timeline: the tokens of each code (codes in vocabulary.json); between two that are 5 minutes or more apart the interval with the largest least-days not above the gap, the last one once for each half year; a discharge stands before the other codes of its stay and moment, and quantile/k after it, with k the number of stayCutsDays below the length of the stay",
  "positions.ids: 0, 1, 2, ... in each row, below context; causal: 0 where column <= row, else -1e9",
  "standing.weights [B, 2L, L] and standing.facts [B*L, 7], where the file has them: what counts at each position. A stay counts from its discharge token on; while one goes on, all before it. In row p of the first L of weights 1 at the first occurrence of each token from firstCode on that counts, in row L + p 1 at each such token of the latest stay that counts, else 0",
  "row p of facts: 1, x and x * x / 4 for x = (years of age at the last event read - 60) / 10, or 0, 0, 0 where the age is not known; then for the latest stay that counts 1, log(1 + stays before it), 30 / (30 + days between these) or 0 for the first stay, log(1 + its days), or 0, 0, 0, 0 without one. The leading positions but the last are as that one, which knows no event; tokens of a future repeat the rows of the end of the history",
  "probabilities: of the token after each position; take those after a row's last token",
  "a future: draw a token from them, append it, run again; tokens below firstGenerated are never drawn. An interval adds a time drawn from its gaps to the clock. It ends with death, the end of the record, the outcome, the end of the wait, the horizon, or the context",
  "the model's probability of a class is the share of futures in which its codes come first, among those that were decided; a code of several tokens has come when all of them came in a row",
  "L is the number of positions, at most the context that positions.ids can name",
];

/** What is needed to write timelines and to read futures. */
function vocabularyCard(vocabulary: Vocabulary, context: number, temperature: number) {
  const { codeTokens, isUnknown, codes, intervals, firstInterval } = vocabulary;
  const known = codes.code.flatMap((code, row) =>
    isUnknown[row] === 1 ? [] : [[code, [...(codeTokens[row] ?? [])]] as const],
  );
  return {
    size: vocabulary.size,
    padding: 0,
    leading: LEADING,
    context,
    temperature,
    firstGenerated: vocabulary.firstGenerated,
    firstCode: vocabulary.firstCode,
    end: vocabulary.end,
    stayCutsDays: [...vocabulary.stayCuts],
    tokens: vocabulary.names(),
    intervals: intervals.bounds.map((leastDays, i) => ({
      token: firstInterval + i,
      leastDays,
      gapsDays: [...intervals.gapsOf(i)],
    })),
    codes: Object.fromEntries(known),
  };
}

/**
 * The next-token network as one ONNX file: tokens [B, L] -> probabilities [B, L, V] of the token after each
 * position, at the temperature of the fit.
 */
export function exportDecoder(
  network: Network,
  parameters: ReadonlyMap<string, Float32Array>,
  vocabulary: Vocabulary,
  { temperature }: { readonly temperature: number },
): ExportedModel {
  const { graph, logits } = fullGraph(network, { fused: false });
  const rows = reshape(scale(logits, 1 / temperature), ["B", "L", network.vocabulary]);
  const exported = exportOnnx(graph, rows, "multiclass", parameters);
  return {
    ...exported,
    columns: vocabulary.names(),
    vocabulary: vocabularyCard(vocabulary, network.context, temperature),
    notes: NOTES,
  };
}
