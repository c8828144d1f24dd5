/** `tokenizer import | export`: published artefacts in, the same file names out. */
import { resolve } from "node:path";
import { exportPublished } from "../../tokenizers/artefact/export.ts";
import { importPublished } from "../../tokenizers/artefact/import.ts";
import { Artefact } from "../../tokenizers/artefact/open.ts";
import { checkPlace, writeArtefact } from "../../tokenizers/artefact/write.ts";
import { defineCommand } from "../command.ts";
import { count, print, shellWord } from "../output.ts";
import { openProgress, type Progress } from "../progress.ts";
import { dirOption } from "./tokenizer-codes.ts";

/** Progress of stages that come one after the other. */
export function stageReport(progress: Progress) {
  let stage = "";
  return {
    report: (name: string, done: number, total: number) => {
      if (name !== stage) {
        if (stage !== "") progress.end();
        progress.start(name, total);
      }
      stage = name;
      progress.update(done, "", total);
    },
    end: () => {
      if (stage !== "") progress.end();
    },
  };
}

export const importAction = {
  ...defineCommand({
    name: "tokenizer import",
    describe: "Read a published tokenizer's files into a folder that this program can use",
    examples: [
      ["tokenizer import --from DIR --out TOK", "from code2embeddings.json and code2tokens.json"],
      [
        "tokenizer import --from DIR --codes all_codes_mappings.parquet --out TOK",
        "from the .npy files, with the code table whose rows they are",
      ],
    ],
    options: {
      from: { type: "string", demandOption: true, describe: "folder with the published files" },
      out: { type: "string", demandOption: true, describe: "folder to make" },
      codes: { type: "string", describe: "the code table in the row order of the .npy files" },
      "codebook-size": {
        type: "number",
        describe: "rows of the codebook, where the files do not say it (default 21000)",
      },
      "graph-ids": {
        choices: ["local", "global"] as const,
        default: "local" as const,
        describe: "whether ids of the graph part count from its region, as published",
      },
    },
    async run({ json, from, out, codes, "codebook-size": codebookSize, "graph-ids": ids }) {
      await checkPlace(resolve(out)); // the files may be gigabytes
      const stages = stageReport(openProgress());
      const { readCodesInOrder } = await import("../code-sources.ts");
      const contents = await importPublished(resolve(from), {
        report: stages.report,
        localGraphIds: ids === "local",
        ...(codes === undefined ? {} : { codes: await readCodesInOrder(codes) }),
        ...(codebookSize === undefined ? {} : { codebookSize }),
      });
      stages.end();
      await writeArtefact(out, contents);
      const summary = { folder: resolve(out), codes: contents.code.length, width: contents.width };
      print(
        json,
        summary,
        () =>
          `${count(summary.codes)} codes in ${out}\nnext: medtok-bench tokenizer inspect --dir ${shellWord(out)} E11.9`,
      );
    },
  }),
  command: "import",
};

export const exportAction = {
  ...defineCommand({
    name: "tokenizer export",
    describe: "Write a tokenizer under the published file names, for other programs",
    examples: [["tokenizer export --dir TOK --out DIR", "embeddings_all.npy, code2tokens.json, …"]],
    options: {
      dir: dirOption,
      out: { type: "string", demandOption: true, describe: "folder to make" },
      "bare-keys": {
        type: "boolean",
        default: false,
        describe: "keys without their system, as published; refused where two would be the same",
      },
    },
    async run({ json, dir, out, "bare-keys": bareKeys }) {
      const stages = stageReport(openProgress());
      const artefact = new Artefact(dir);
      try {
        await exportPublished(artefact, out, { bareKeys, report: stages.report });
      } finally {
        artefact.close();
      }
      stages.end();
      print(json, { folder: resolve(out), codes: artefact.config.codes }, () => `written: ${out}`);
    },
  }),
  command: "export",
};
