/** EHRSHOT as the benchmark publishes it: one table of events, the splits, and a file of labels per task. */
import type { AlternativeLayout } from "../../core/dataset.ts";
import { overRecord, splitName } from "./record.ts";

export const original: AlternativeLayout = {
  ...overRecord,
  layout: "original",
  root: "the folder EHRSHOT_ASSETS",
  recognisedBy: ["ehrshot"],
  tables: {
    ehrshot: {
      file: "data/ehrshot",
      columns: {
        patient_id: "id",
        start: "time",
        end: "time",
        code: "text",
        value: "text",
        unit: "text",
        visit_id: "loose-id", // written as 31251999.0
        omop_table: "text",
      },
      notNull: ["patient_id", "omop_table"],
    },
    person_id_map: {
      file: "splits/person_id_map",
      otherFiles: ["splits_ehrshot/person_id_map"],
      columns: { omop_person_id: "id", split: "text" },
      notNull: ["omop_person_id", "split"],
      unique: "omop_person_id",
    },
    // Without them everything works but the comparison with the published labels.
    labeled_patients: {
      file: "benchmark/*/labeled_patients",
      pathColumn: "path",
      columns: { patient_id: "id", prediction_time: "time", value: "label" },
      notNull: ["patient_id", "prediction_time", "value"],
      optional: true,
    },
  },
  views: {
    record: `SELECT patient_id AS subject_id, start AS time, "end" AS end_time, trim(code) AS code, value, unit,
      visit_id, omop_table FROM ehrshot`,
  },
  splits: `SELECT omop_person_id AS subject_id, ${splitName("split")} AS split FROM person_id_map`,
  publishedLabels: `SELECT split_part(path, '/', -2) AS task, patient_id AS subject_id, prediction_time, value
    FROM labeled_patients`,
};
