/** The list of datasets. */
import type { DatasetDefinition } from "../core/dataset.ts";
import { Registry } from "../core/registry.ts";
import { ehrshot } from "./ehrshot.ts";
import { meds } from "./meds.ts";
import { mimic3 } from "./mimic3.ts";
import { mimic4 } from "./mimic4.ts";

export const datasets = new Registry<DatasetDefinition>("dataset", [mimic3, mimic4, ehrshot, meds]);
