/** The list of commands, in the order of the help text. */
import type { Command } from "../command.ts";
import { auditCommand } from "./audit.ts";
import { compareCommand } from "./compare.ts";
import { datasetsCommand } from "./datasets.ts";
import { describeCommand } from "./describe.ts";
import { doctorCommand } from "./doctor.ts";
import { exportCommand } from "./export.ts";
import { fetchCommand } from "./fetch.ts";
import { gridCommand } from "./grid.ts";
import { ingestCommand } from "./ingest.ts";
import { labelsCommand } from "./labels.ts";
import { leaderboardCommand } from "./leaderboard.ts";
import { modelsCommand } from "./models.ts";
import { reportCommand } from "./report.ts";
import { reproduceCommand } from "./reproduce.ts";
import { runCommand } from "./run.ts";
import { synthCommand } from "./synth.ts";
import { tasksCommand } from "./tasks.ts";
import { tokenizerCommand } from "./tokenizer.ts";
import { tokenizersCommand } from "./tokenizers.ts";

export const commands: readonly Command[] = [
  runCommand,
  gridCommand,
  datasetsCommand,
  tasksCommand,
  modelsCommand,
  tokenizersCommand,
  fetchCommand,
  tokenizerCommand,
  ingestCommand,
  describeCommand,
  labelsCommand,
  synthCommand,
  leaderboardCommand,
  reportCommand,
  compareCommand,
  auditCommand,
  reproduceCommand,
  exportCommand,
  doctorCommand,
];
