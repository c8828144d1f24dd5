/** `tokenizer train`: MedTok on tables of codes, to a folder that runs, programs and the other actions read. */
import { resolve } from "node:path";
import { BenchError } from "../../core/errors.ts";
import type { Hyperparameters } from "../../core/hyperparameters.ts";
import type { CodeTable } from "../../core/tokenizer.ts";
import { Artefact } from "../../tokenizers/artefact/open.ts";
import { checkPlace } from "../../tokenizers/artefact/write.ts";
import { medtok } from "../../tokenizers/medtok.ts";
import { chosenGraph, textEncoderOf } from "../../tokenizers/pipeline/given.ts";
import { makeInputs } from "../../tokenizers/pipeline/inputs.ts";
import { trainArtefact } from "../../tokenizers/pipeline/medtok-artefact.ts";
import { tokenizerRandom } from "../../tokenizers/pipeline/random.ts";
import { settingsOf } from "../../tokenizers/pipeline/settings.ts";
import { cacheFolder, privateFolder } from "../cache.ts";
import { type CodeRows, readCodes, readMaps, usefulPairs } from "../code-sources.ts";
import { loadCodeTable } from "../code-table.ts";
import { defineCommand } from "../command.ts";
import { givenKnowledge } from "../given-knowledge.ts";
import { interruptSignal } from "../interrupt.ts";
import { type DatasetFlags, datasetOptions, openDataset } from "../open-dataset.ts";
import { tokenizerOptions } from "../options.ts";
import { count, print, shellWord } from "../output.ts";
import { openProgress, type Progress } from "../progress.ts";
import { stageReport } from "./tokenizer-exchange.ts";

const options = {
  ...datasetOptions,
  dataset: {
    type: "string",
    describe: "also take the codes of this source, from --root; descriptions only, no subject",
  },
  codes: {
    type: "string",
    array: true,
    default: [] as string[],
    describe: "a code table (.parquet, .csv, .csv.gz), or SYSTEM=FILE where codes carry no system",
  },
  map: {
    type: "string",
    array: true,
    default: [] as string[],
    describe: "a map between systems, e.g. ICD-9 to ICD-10, for the graph and for unknown codes",
  },
  kg: {
    type: "string",
    describe: "PrimeKG's kg.csv as the graph; needs a --codes table with pkg_index_list",
  },
  encoder: {
    type: "string",
    describe: "a folder with a sentence encoder in ONNX, in place of the built-in text features",
  },
  hub: {
    type: "string",
    describe: "fetch a sentence encoder of this name from the Hugging Face hub (network)",
  },
  out: { type: "string", demandOption: true, describe: "folder to make" },
  preset: { type: "string", describe: "a named set of options, e.g. paper" },
  set: { type: "string", array: true, default: [] as string[], describe: "option, name=value" },
} as const;

type Flags = Omit<DatasetFlags, "dataset"> & { readonly dataset?: string | undefined };

/** The codes of a source's store. */
async function storeCodes(flags: Flags, progress: Progress): Promise<CodeTable | null> {
  const { dataset } = flags;
  if (dataset === undefined) return null;
  const store = await openDataset({ ...flags, dataset }, progress);
  try {
    return await loadCodeTable(store);
  } finally {
    store.close();
  }
}

function checkCodes({ code, dropped }: CodeRows, progress: Progress): void {
  if (code.length === 0)
    throw new BenchError({
      what: "there is no code to train on",
      where: "command line",
      fix: "name a table with --codes, or a source with --dataset",
      exitCode: 2,
    });
  const twice = dropped > 0 ? `; ${count(dropped)} rows repeat a code or have none` : "";
  progress.say(`${count(code.length)} codes${twice}`);
}

/** Options, with those that the flags for files stand for. */
function trainOptions(args: {
  readonly preset?: string | undefined;
  readonly set: readonly string[];
  readonly kg?: string | undefined;
  readonly encoder?: string | undefined;
  readonly hub?: string | undefined;
}): Hyperparameters {
  const { kg, encoder, hub } = args;
  return {
    ...tokenizerOptions(medtok, args.preset, args.set),
    coOccurrence: false, // patients are never looked at
    ...(kg === undefined ? {} : { graph: "primekg" }),
    ...(encoder === undefined && hub === undefined ? {} : { text: "sentence" }),
    ...(hub === undefined ? {} : { hub }),
  };
}

export const trainAction = {
  ...defineCommand({
    name: "tokenizer train",
    describe: "Train MedTok on tables of codes; patients are never looked at",
    examples: [
      ["tokenizer train --codes all_codes_mappings.parquet --out TOK", "the published code table"],
      [
        "tokenizer train --codes ICD10CM=icd10cm.csv.gz --map icd_cm_9_to_10_mapping.csv.gz --out TOK",
        "codes of one system, with a map to another",
      ],
      [
        "tokenizer train --codes all_codes_mappings.parquet --kg kg.csv --encoder DIR --out TOK",
        "the paper's inputs: PrimeKG, and a sentence encoder from a folder",
      ],
      ["tokenizer train --dataset mimic4 --root DIR --out TOK --set steps=500", "a store's codes"],
    ],
    options,
    async run(args) {
      await checkPlace(resolve(args.out));
      const progress = openProgress();
      const stages = stageReport(progress);
      const cache = privateFolder(resolve(cacheFolder(args["cache-dir"]), "tokenizers"));
      const given = trainOptions(args);
      const { kg = null, encoder = null } = args;
      const files = { codes: args.codes, map: args.map, kg, encoder };
      const read = { memoryLimitMb: args.memory, threads: args.threads };
      const knowledge = givenKnowledge(files, read);
      medtok.check({ options: given, directory: null, given: knowledge });
      const rows = await readCodes(args.codes, await storeCodes(args, progress), args.memory);
      checkCodes(rows, progress);
      const maps = readMaps(args.map);
      const { use, config } = settingsOf(given, rows.code.length);
      const work = { report: stages.report, signal: interruptSignal };
      const published = await chosenGraph(use, knowledge);
      const made = await makeInputs({ ...rows, knowledge: maps.knowledge }, [], {
        cacheFolder: cache,
        random: tokenizerRandom(use.seed),
        encoder: textEncoderOf(use, encoder),
        published,
        ...work,
      });
      const { graph, text, hub } = use;
      await trainArtefact(resolve(args.out), {
        made,
        config,
        options: { graph, text, hub },
        seed: use.seed,
        split: null,
        mapped: usefulPairs(maps.pairs, rows.code),
        threads: args.threads,
        compareRandom: true,
        ...work,
      });
      stages.end();
      const artefact = new Artefact(args.out);
      const summary = {
        folder: resolve(args.out),
        codes: rows.code.length,
        artefact: artefact.hash,
      };
      artefact.close();
      print(
        args.json,
        summary,
        () =>
          `${count(summary.codes)} codes in ${args.out}\nnext: medtok-bench tokenizer inspect --dir ${shellWord(args.out)} E11.9`,
      );
    },
  }),
  command: "train",
};
