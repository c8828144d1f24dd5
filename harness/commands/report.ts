/** `report`: the records of a folder as one page or Markdown file; a pure function of them. */
import { join, resolve } from "node:path";
import { defineCommand } from "../command.ts";
import { checkDocumentFile, writeDocument } from "../document.ts";
import { print } from "../output.ts";
import { readRecords } from "../record.ts";

export const reportCommand = defineCommand({
  name: "report",
  describe: "Write the records as one page: rankings, metrics, cohorts, the paper's tables beside",
  examples: [
    ["report --out report.html", "one self-contained page"],
    ["report --out report.md --results DIR", "Markdown, of another folder of records"],
  ],
  options: {
    results: { type: "string", default: "results", describe: "folder with runs/" },
    out: { type: "string", default: "report.html", describe: "file, .html or .md" },
  },
  async run({ json, results, out }) {
    checkDocumentFile(out);
    const { makeReport } = await import("../report.ts"); // loads the statistics library
    const document = makeReport(await readRecords(join(resolve(results), "runs")));
    writeDocument(out, document);
    print(json, document, () => `report: ${resolve(out)}`);
  },
});
