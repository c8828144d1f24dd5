/** `export`: copies a kept model out of the private cache, as ONNX with its vocabulary. */
import { resolve } from "node:path";
import { cacheFolder } from "../cache.ts";
import { defineCommand } from "../command.ts";
import { exportModelFiles, MODEL_FILES } from "../model-files.ts";
import { print, table } from "../output.ts";

export const exportCommand = defineCommand({
  name: "export",
  describe: "Write a run's trained model as one ONNX file with its vocabulary",
  examples: [
    ["export --run 0123456789abcdef --out model", "the run id is the name of the record's file"],
  ],
  options: {
    run: {
      type: "string",
      demandOption: true,
      describe: "run id of a record made on this machine",
    },
    out: { type: "string", demandOption: true, describe: "new or empty folder" },
    "cache-dir": { type: "string", describe: "private cache of that run" },
  },
  async run({ json, run, out, "cache-dir": cacheDir }) {
    const folder = resolve(out);
    const card = exportModelFiles(cacheFolder(cacheDir), run, folder);
    print(json, { folder, files: MODEL_FILES, ...card }, () => {
      const ports = [...card.inputs, ...card.outputs];
      const rows = ports.map(({ name, type, shape }) => [name, type, `[${shape.join(", ")}]`]);
      return `${card.model} for ${card.task} on ${card.dataset}: ${folder}\n\n${table(
        ["input or output", "type", "shape"],
        rows,
      )}\n\nA trained model may tell of the subjects it was trained on: treat it like the data.`;
    });
  },
});
