/** Where the time of training goes, as text: one table a session, dearest operations first. */
import type { SessionProfile } from "../engine/profile.ts";
import { table } from "./output.ts";

const HEAD = ["operation", "share", "ms a run", "calls a run", "mostly in"];
/** Modules named beside an operation. */
const MODULES = 3;

export function profileTable(profiles: readonly SessionProfile[]): string {
  if (profiles.length === 0) return "profile: no session ran";
  return profiles.map(oneSession).join("\n\n");
}

function oneSession({ session, runs, operations }: SessionProfile): string {
  const rows = operations.map(({ operation, share, milliseconds, calls, modules }) => [
    operation,
    `${(100 * share).toFixed(1)} %`,
    milliseconds.toFixed(3),
    calls.toFixed(calls < 10 ? 1 : 0),
    modules.slice(0, MODULES).join(", "),
  ]);
  return `${session}, mean of ${runs} runs\n${table(HEAD, rows, [1, 2, 3])}`;
}
