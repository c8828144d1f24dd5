/** Options of tasks as their SQL needs them: defaults filled in, values out of range refused. */
import { BenchError } from "../core/errors.ts";
import type { TaskOption, TaskOptions } from "../core/task.ts";

/**
 * One option's value, or its default where it is not given.
 * @throws BenchError when the value is not a whole number in the option's range.
 */
export function optionValue(
  task: string,
  name: string,
  option: TaskOption,
  options: TaskOptions,
): number {
  const value = options[name] ?? option.default;
  if (Number.isInteger(value) && value >= option.min && value <= option.max) return value;
  throw new BenchError({
    what: `option ${name} of task ${task} must be a whole number from ${option.min} to ${option.max}, got ${value}`,
    fix: `leave it out for the default, ${option.default} (${option.description})`,
    exitCode: 2,
  });
}
