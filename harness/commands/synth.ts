/** `synth`: a synthetic twin as raw files, to be read with --root as real ones are. */
import { resolve } from "node:path";
import { generateTwin, riskStructures, twinLayouts } from "../../Dataset/synthetic/index.ts";
import { defineCommand } from "../command.ts";
import { interruptSignal } from "../interrupt.ts";
import { wholeNumber } from "../options.ts";
import { count, print, shellWord } from "../output.ts";
import { openProgress } from "../progress.ts";

export const synthCommand = defineCommand({
  name: "synth",
  describe:
    "Write a synthetic twin: made-up patients in a source's own raw layout, with known true risks",
  examples: [
    [
      "synth --layout mimic4 --subjects 20000 --seed 1 --out twin",
      "20,000 made-up subjects as MIMIC-IV files",
    ],
  ],
  options: {
    layout: { choices: twinLayouts, demandOption: true, describe: "whose layout" },
    subjects: { type: "number", demandOption: true, describe: "number of subjects" },
    seed: { type: "number", default: 0, describe: "same seed, same bytes" },
    out: {
      type: "string",
      demandOption: true,
      describe: "folder to make; it must not exist or be empty",
    },
    structure: {
      choices: riskStructures,
      default: "hierarchy" as const,
      describe:
        "hierarchy: rare codes share the risk of their common siblings; even: so, and no sibling is common; none, even-none: they do not",
    },
  },
  async run({ json, layout, subjects, seed, out, structure }) {
    wholeNumber("subjects", subjects, 1);
    wholeNumber("seed", seed, 0);
    const progress = openProgress();
    progress.start("synthetic twin", subjects, "subjects");
    const summary = await generateTwin({
      layout,
      subjects,
      seed,
      structure,
      out: resolve(out),
      progress: (done) => progress.update(done),
      signal: interruptSignal,
    });
    progress.end();
    print(json, summary, () =>
      [
        `${count(subjects)} made-up subjects in ${out}`,
        `next: medtok-bench run --dataset ${layout} --task mortality --root ${shellWord(out)}`,
      ].join("\n"),
    );
  },
});
