/** Any MEDS dataset, by whomever it was made; what its codes mean is said by a mapping file (see meds/). */
import type { DatasetDefinition } from "../core/dataset.ts";
import { medsLayout } from "./meds/definition.ts";
import { DEFAULT_MAPPING_FILE, readMapping } from "./meds/mapping.ts";

function withMapping(file: string): DatasetDefinition {
  return {
    ...medsLayout(readMapping(file)),
    name: "meds",
    title: "A MEDS dataset",
    version: 2,
    releases: ["MEDS 0.3.3", "MEDS 0.4"],
    licence: "that of the dataset",
    homepage: "https://medical-event-data-standard.github.io/",
    citation:
      "Kolo, Pang, Xu et al., MEDS: decentralized, extensible validation for medical event data, 2024",
    releaseFile: "metadata/dataset.json",
    configure: withMapping,
    demoSubjectsHash: "81f5d9a5c4a014a047ff7ef033818431bc7d0786cc59f9cba8fe151d209890a8",
    demoRelease: "MIMIC-IV demo 2.2",
  };
}

export const meds: DatasetDefinition = withMapping(DEFAULT_MAPPING_FILE);
