/**
 * EHRSHOT's own MEDS release. It has neither the ends of visits nor their ids, so that no discharge, no length
 * of stay and no visit of an event can be known from it; its label files are read.
 */
import type { AlternativeLayout } from "../../core/dataset.ts";
import { overRecord, splitName } from "./record.ts";

export const meds: AlternativeLayout = {
  ...overRecord,
  layout: "meds",
  root: "the folder of the MEDS release that holds data, metadata and labels",
  recognisedBy: ["data", "subject_splits"],
  tables: {
    data: {
      file: "data/**/*",
      format: "parquet",
      columns: {
        subject_id: "id",
        time: "time",
        code: "text",
        numeric_value: "number",
        text_value: "text",
        unit: "text",
        omop_table: "text",
      },
      notNull: ["subject_id", "omop_table"],
    },
    subject_splits: {
      file: "metadata/subject_splits",
      format: "parquet",
      columns: { subject_id: "id", split: "text" },
      notNull: ["subject_id", "split"],
      unique: "subject_id",
    },
    labels: {
      file: "labels/**/*",
      format: "parquet",
      pathColumn: "path",
      columns: {
        subject_id: "id",
        prediction_time: "time",
        boolean_value: "boolean",
        integer_value: "integer",
      },
      optionalColumns: ["boolean_value", "integer_value"],
      notNull: ["subject_id", "prediction_time"],
      optional: true,
    },
  },
  views: {
    record: `SELECT subject_id, time, CAST(NULL AS TIMESTAMP) AS end_time, trim(code) AS code,
      coalesce(CAST(CAST(numeric_value AS FLOAT) AS VARCHAR), text_value) AS value, unit,
      CAST(NULL AS BIGINT) AS visit_id, omop_table FROM data`,
  },
  splits: `SELECT subject_id, ${splitName("split")} AS split FROM subject_splits`,
  publishedLabels: `SELECT split_part(path, '/', 2) AS task, subject_id, prediction_time,
    CAST(coalesce(CAST(boolean_value AS BIGINT), integer_value) AS INTEGER) AS value FROM labels`,
};
