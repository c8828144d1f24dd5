/** `audit`: runs under protocol `paper` beside those under `strict`. */
import { join, resolve } from "node:path";
import { BenchError } from "../../core/errors.ts";
import { auditDocument } from "../audit-report.ts";
import { defineCommand } from "../command.ts";
import { checkDocumentFile, plainText, writeDocument } from "../document.ts";
import { print } from "../output.ts";
import { readRecords } from "../record.ts";
import { taskVersions } from "../task-versions.ts";

export const auditCommand = defineCommand({
  name: "audit",
  describe: "What each flaw of the paper's protocol does to the AUPRC that is reported",
  examples: [
    ["audit", "every strict run that was also made with --protocol paper"],
    ["audit --results results --out audit.html", "as a page"],
  ],
  options: {
    results: { type: "string", default: "results", describe: "folder with runs/" },
    out: { type: "string", describe: "also write it here, as .html or .md" },
  },
  async run({ json, results, out }) {
    if (out !== undefined) checkDocumentFile(out);
    const { audit } = await import("../audit.ts"); // loads the statistics library
    const { makeLeaderboard } = await import("../leaderboard.ts");
    const records = await readRecords(join(resolve(results), "runs"));
    const found = audit(makeLeaderboard(records, taskVersions()), records);
    if (found.length === 0)
      throw new BenchError({
        what: "no run under protocol strict has a counterpart under protocol paper",
        where: join(resolve(results), "runs"),
        fix: "make both with equal settings and seeds: medtok-bench run ..., then the same with --protocol paper, or with --protocol paper --flaw NAME for one flaw alone",
      });
    const document = auditDocument(found);
    if (out !== undefined) writeDocument(out, document);
    print(json, found, () => plainText(document));
  },
});
