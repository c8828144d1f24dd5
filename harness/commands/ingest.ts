/** `ingest`: makes the event store that other commands would make on first use. */
import { defineCommand } from "../command.ts";
import { datasetOptions, openDataset } from "../open-dataset.ts";
import { count, print, shellWord } from "../output.ts";
import { openProgress } from "../progress.ts";

export const ingestCommand = defineCommand({
  name: "ingest",
  describe: "Turn a source's raw files into a MEDS event store in the private cache",
  examples: [
    [
      "ingest --dataset mimic4 --root /data/mimiciv/3.1",
      "read MIMIC-IV once; later commands reuse it",
    ],
  ],
  options: datasetOptions,
  async run(args) {
    const store = await openDataset(args, openProgress());
    try {
      const { info, folder } = store;
      print(args.json, { folder, ...info }, () =>
        [
          `event store: ${folder}`,
          `${count(info.subjects)} subjects, ${count(info.visits)} visits, ${count(info.icu_stays)} ICU stays, ${count(info.events)} events (source: ${info.source})`,
          `next: medtok-bench describe --dataset ${info.dataset}${args.root === undefined ? "" : ` --root ${shellWord(args.root)}`}`,
        ].join("\n"),
      );
    } finally {
      store.close();
    }
  },
});
