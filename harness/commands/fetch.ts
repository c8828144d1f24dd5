/** `fetch`: the open demos from PhysioNet; the one command, with `tokenizer train --hub`, that asks the network. */
import { resolve } from "node:path";
import { DEMOS, fetchDemo } from "../../Dataset/fetch.ts";
import { datasets } from "../../Dataset/index.ts";
import { defineCommand } from "../command.ts";
import { interruptSignal } from "../interrupt.ts";
import { print, shellWord } from "../output.ts";
import { openProgress } from "../progress.ts";

const NAMES = Object.keys(DEMOS) as (keyof typeof DEMOS)[];

export const fetchCommand = defineCommand({
  name: "fetch",
  describe: "Download an open demo from PhysioNet, checked and resumable",
  examples: [
    ["fetch mimic4-demo", "100 patients of MIMIC-IV into ./mimic-iv-demo-2.2"],
    ["fetch mimic3-demo --out data/mimic3", "into a folder of your choice"],
  ],
  options: {
    demo: { choices: NAMES, demandOption: true, describe: "which demo" },
    out: { type: "string", describe: "folder to put it (default: the release's own name, here)" },
    "base-url": { type: "string", hidden: true, describe: "a mirror of the release's folder" },
  },
  positional: "demo",
  async run({ json, demo, out, "base-url": base }) {
    const { dataset, url, folder, licence } = DEMOS[demo];
    const target = resolve(out ?? folder);
    const progress = openProgress();
    progress.start(`fetch ${demo}`, 0, "bytes");
    const summary = await fetchDemo({
      url: base ?? url,
      out: target,
      definition: datasets.get(dataset),
      signal: interruptSignal,
      progress: (file, bytes) => progress.update(bytes, file),
    });
    progress.end(`${summary.fetched.length} fetched, ${summary.kept.length} there already`);
    print(json, { demo, folder: target, licence, ...summary }, () =>
      [
        `${demo} (${licence}): ${target}`,
        `next: medtok-bench run --dataset ${dataset} --task mortality --root ${shellWord(target)}`,
      ].join("\n"),
    );
  },
});
