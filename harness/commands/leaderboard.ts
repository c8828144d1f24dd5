/** `leaderboard`: ranks the records of a folder; a pure function of them. */
import { join, resolve } from "node:path";
import { defineCommand } from "../command.ts";
import { renderLeaderboard } from "../leaderboard-table.ts";
import { print } from "../output.ts";
import { readRecords } from "../record.ts";
import { taskVersions } from "../task-versions.ts";

export const leaderboardCommand = defineCommand({
  name: "leaderboard",
  describe: "Rank the result records: mean over seeds with a pooled interval, sources kept apart",
  examples: [
    ["leaderboard", "a table on the terminal"],
    [
      "leaderboard --json > leaderboard.json",
      "the same for machines (results/schema/leaderboard.schema.json)",
    ],
  ],
  options: {
    results: { type: "string", default: "results", describe: "folder with runs/" },
  },
  async run({ json, results }) {
    const { makeLeaderboard } = await import("../leaderboard.ts"); // loads the statistics library
    const records = await readRecords(join(resolve(results), "runs"));
    const board = makeLeaderboard(records, taskVersions());
    print(json, board, () => renderLeaderboard(board));
  },
});
