/** `reproduce`: the paper's tables beside the records of a folder. */
import { join, resolve } from "node:path";
import { defineCommand } from "../command.ts";
import { checkDocumentFile, plainText, writeDocument } from "../document.ts";
import { print } from "../output.ts";
import { PAPER_TABLES } from "../paper-tables.ts";
import { readRecordsIfAny } from "../record.ts";
import { reproductionBlocks } from "../reproduce-report.ts";
import { taskVersions } from "../task-versions.ts";

export const reproduceCommand = {
  ...defineCommand({
    name: "reproduce",
    describe: "The MedTok paper's AUPRC beside ours, cell by cell, and how to run what is missing",
    examples: [
      ["reproduce table3", "MIMIC-III and MIMIC-IV"],
      ["reproduce table4 --out table4.html", "EHRSHOT, as a page"],
    ],
    options: {
      table: {
        choices: [...PAPER_TABLES, "all"] as const,
        default: "all" as const,
        describe: "which table",
      },
      results: { type: "string", default: "results", describe: "folder with runs/" },
      out: { type: "string", describe: "also write it here, as .html or .md" },
    },
    async run({ json, table, results, out }) {
      if (out !== undefined) checkDocumentFile(out);
      const { makeLeaderboard } = await import("../leaderboard.ts"); // loads the statistics library
      const { reproduce } = await import("../reproduce.ts");
      const records = await readRecordsIfAny(join(resolve(results), "runs"));
      const asked = table === "all" ? PAPER_TABLES : [table];
      const parts = reproduce(makeLeaderboard(records, taskVersions()), asked);
      const document = {
        title: "The MedTok paper's tables beside ours",
        blocks: reproductionBlocks(parts),
      };
      if (out !== undefined) writeDocument(out, document);
      print(json, parts, () => plainText(document));
    },
  }),
  command: "reproduce [table]",
};
