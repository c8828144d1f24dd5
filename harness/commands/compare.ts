/** `compare`: two rows of the records, seed by seed. */
import { join, resolve } from "node:path";
import { defineCommand } from "../command.ts";
import { compareDocument } from "../compare-report.ts";
import { checkDocumentFile, plainText, writeDocument } from "../document.ts";
import { print } from "../output.ts";
import { readRecords } from "../record.ts";
import { taskVersions } from "../task-versions.ts";

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
      results: { type: "string", default: "results", describe: "folder with runs/" },
      out: { type: "string", describe: "also write it here, as .html or .md" },
    },
    async run({ json, a, b, results, out }) {
      if (out !== undefined) checkDocumentFile(out);
      const { compare, parseSide } = await import("../compare.ts"); // loads the statistics library
      const { makeLeaderboard } = await import("../leaderboard.ts");
      const sides = [parseSide(a), parseSide(b)] as const;
      const records = await readRecords(join(resolve(results), "runs"));
      const found = compare(makeLeaderboard(records, taskVersions()), records, ...sides);
      const document = compareDocument(a, b, found);
      if (out !== undefined) writeDocument(out, document);
      print(json, found, () => plainText(document));
    },
  }),
  command: "compare <a> <b>",
};
