/** Versions of the tasks as this program defines them: records of older ones are not ranked. */
import { tasks } from "../tasks/index.ts";

export function taskVersions(): Readonly<Record<string, number>> {
  return Object.fromEntries(tasks.all.map((task) => [task.name, task.version]));
}
