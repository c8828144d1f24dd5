/** JSON Schemas as they are published under results/schema/; a test fails when those files differ. */
import { z } from "zod";
import { customTaskSchema } from "../../tasks/custom.ts";
import { leaderboardSchema } from "./leaderboard.ts";
import { recordSchema } from "./record.ts";

/** File, relative to the package's root -> its text. */
export function publishedSchemas(): Readonly<Record<string, string>> {
  const text = (schema: z.ZodType, title: string, io: "input" | "output" = "output") =>
    `${JSON.stringify({ title, ...z.toJSONSchema(schema, { target: "draft-2020-12", io }) }, null, 2)}\n`;
  return {
    "results/schema/record.schema.json": text(recordSchema, "medtok-bench result record"),
    "results/schema/leaderboard.schema.json": text(leaderboardSchema, "medtok-bench leaderboard"),
    "results/schema/task.schema.json": text(
      customTaskSchema,
      "medtok-bench task definition",
      "input",
    ),
  };
}
