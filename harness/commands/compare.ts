/** `compare`: two rows of the records, seed by seed, and over draws of subjects where the predictions are kept here. */
import { join, resolve } from "node:path";
import { cachePath } from "../cache.ts";
import { defineCommand } from "../command.ts";
import type { Comparison } from "../compare.ts";
import { compareDocument } from "../compare-report.ts";
import { checkDocumentFile, plainText, writeDocument } from "../document.ts";
import { interruptSignal } from "../interrupt.ts";
import { wholeNumber } from "../options.ts";
import { print } from "../output.ts";
import { openProgress } from "../progress.ts";
import { type ResultRecord, readRecords } from "../record.ts";
import type { FullComparison } from "../subject-differences.ts";
import { taskVersions } from "../task-versions.ts";

/** Adds the intervals over subjects, one comparison after the other. */
async function withSubjects(
  found: readonly Comparison[],
  records: readonly ResultRecord[],
  cacheDir: string,
  draws: number,
): Promise<FullComparison[]> {
  const { Database } = await import("../../Dataset/duckdb.ts");
  const { subjectDifferences } = await import("../subject-differences.ts");
  const progress = openProgress();
  const db = await Database.open({ threads: 1, signal: interruptSignal });
  const where = { db, cacheDir, records: new Map(records.map((one) => [one.run_id, one])) };
  try {
    const all: FullComparison[] = [];
    progress.start("draws of subjects", found.length, "comparisons");
    for (const one of found) {
      all.push({ ...one, over_subjects: await subjectDifferences(where, one, draws) });
      progress.update(all.length);
    }
    return all;
  } finally {
    progress.end();
    db.close();
  }
}

export const compareCommand = {
  ...defineCommand({
    name: "compare",
    describe: "The paired difference in AUPRC of two models, tokenizers or runs, over their seeds",
    examples: [
      ["compare medtok baseline", "two tokenizers in every model, on the same data and seeds"],
      ["compare behrt+medtok behrt+permuted-rows", "of one model alone"],
      ["compare transformer logistic --out compare.html", "two models, as a page"],
    ],
    options: {
      a: { type: "string", demandOption: true, describe: "model, tokenizer, model+tokenizer, run" },
      b: { type: "string", demandOption: true, describe: "what it is compared with" },
      draws: {
        type: "number",
        default: 1000,
        describe:
          "draws of held-out subjects, where the private cache has both runs' predictions; 0: none",
      },
      "cache-dir": {
        type: "string",
        describe: "private cache (default: MEDTOK_BENCH_CACHE, else the user's cache folder)",
      },
      results: { type: "string", default: "results", describe: "folder with runs/" },
      out: { type: "string", describe: "also write it here, as .html or .md" },
    },
    async run({ json, a, b, results, out, draws, "cache-dir": cacheDir }) {
      wholeNumber("draws", draws, 0);
      if (out !== undefined) checkDocumentFile(out);
      const { compare, parseSide } = await import("../compare.ts"); // loads the statistics library
      const { makeLeaderboard } = await import("../leaderboard.ts");
      const sides = [parseSide(a), parseSide(b)] as const;
      const records = await readRecords(join(resolve(results), "runs"));
      const seedBySeed = compare(makeLeaderboard(records, taskVersions()), records, ...sides);
      const found =
        draws === 0
          ? seedBySeed
          : await withSubjects(seedBySeed, records, cachePath(cacheDir), draws);
      const document = compareDocument(a, b, found);
      if (out !== undefined) writeDocument(out, document);
      print(json, found, () => plainText(document));
    },
  }),
  command: "compare <a> <b>",
};
