/** EHRSHOT: three layouts in which it is passed on, read into the same events (see ehrshot/). */
import type { DatasetDefinition } from "../core/dataset.ts";
import { meds } from "./ehrshot/meds.ts";
import { medtok } from "./ehrshot/medtok.ts";
import { original } from "./ehrshot/original.ts";

export const ehrshot: DatasetDefinition = {
  ...original,
  name: "ehrshot",
  title: "EHRSHOT",
  version: 1,
  releases: ["EHRSHOT_ASSETS (original)", "EHRSHOT_MEDS", "the MedTok code's tables"],
  licence: "EHRSHOT Credentialed Health Data License (Stanford, Redivis)",
  homepage: "https://ehrshot.stanford.edu/",
  citation:
    "Wornow et al., EHRSHOT: An EHR Benchmark for Few-Shot Evaluation of Foundation Models, 2023",
  layouts: [original, meds, medtok],
  // Files in EHRSHOT's layouts that were made from the open MIMIC-IV demo, with its subjects' ids.
  demoSubjectsHash: "81f5d9a5c4a014a047ff7ef033818431bc7d0786cc59f9cba8fe151d209890a8",
  demoRelease: "made from the MIMIC-IV demo 2.2",
  releaseSizes: [{ release: "2023", subjects: 6739, visits: 921_499 }],
};
