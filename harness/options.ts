/** `name=value` flags (`--set lr=0.001`, `--task-option windowDays=30`) checked against what there is to set. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { BenchError } from "../core/errors.ts";
import type { Hyperparameters, ModelDefinition } from "../core/model.ts";
import { unknownName } from "../core/registry.ts";
import type { TaskDefinition, TaskOptions } from "../core/task.ts";
import type { TokenizerDefinition } from "../core/tokenizer.ts";

type Pair = readonly [name: string, value: string];

function split(flag: string, pairs: readonly string[]): Pair[] {
  return pairs.map((pair) => {
    const at = pair.indexOf("=");
    if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)] as const;
    throw new BenchError({
      what: `--${flag} ${pair} is not of the form name=value`,
      where: "command line",
      fix: `write it as --${flag} name=value`,
      exitCode: 2,
    });
  });
}

/** A task's options: its defaults, then `name=value` pairs. @throws for unknown names and values out of range. */
export function taskOptions(task: TaskDefinition, pairs: readonly string[]): TaskOptions {
  const options = Object.fromEntries(Object.entries(task.options).map(([k, o]) => [k, o.default]));
  for (const [name, text] of split("task-option", pairs)) {
    const option = task.options[name];
    if (option === undefined)
      throw unknownName(`option of task ${task.name}`, name, Object.keys(task.options));
    const value = Number(text);
    if (!Number.isFinite(value) || text.trim() === "" || value < option.min || value > option.max) {
      throw new BenchError({
        what: `${name} of task ${task.name} is ${text}`,
        where: "--task-option",
        fix: `give a number from ${option.min} to ${option.max} (${option.description})`,
        exitCode: 2,
      });
    }
    options[name] = value;
  }
  return options;
}

/** Files that a task is made of, by name. @throws for what is not name=path. */
export function taskInputs(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(split("task-input", pairs).map(([k, path]) => [k, resolve(path)]));
}

/** A model's hyperparameters: its defaults, then a preset, then `name=value` pairs. @throws for what no fit can use. */
export function hyperparameters(
  model: ModelDefinition,
  preset: string | undefined,
  pairs: readonly string[],
): Hyperparameters {
  const chosen = settingsOf(model, `model ${model.name}`, preset, "set", pairs);
  model.check(chosen);
  return chosen;
}

/** A tokenizer's options, in the same way. */
export function tokenizerOptions(
  tokenizer: TokenizerDefinition,
  preset: string | undefined,
  pairs: readonly string[],
): Hyperparameters {
  return settingsOf(tokenizer, `tokenizer ${tokenizer.name}`, preset, "tokenizer-set", pairs);
}

/** Paths by name of the extra files a model can read. @throws for a name it does not know or a missing file. */
export function modelFiles(
  model: ModelDefinition,
  pairs: readonly string[],
): Readonly<Record<string, string>> {
  return filesOf(model.files ?? {}, `model ${model.name}`, "model-file", pairs);
}

/** The same for a tokenizer; `codes=SYSTEM=FILE` says the system of a table whose codes carry none. */
export function tokenizerFiles(
  tokenizer: TokenizerDefinition,
  pairs: readonly string[],
): Readonly<Record<string, string>> {
  return filesOf(tokenizer.files ?? {}, `tokenizer ${tokenizer.name}`, "tokenizer-file", pairs);
}

function filesOf(
  known: Readonly<Record<string, string>>,
  owner: string,
  flag: string,
  pairs: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    split(flag, pairs).map(([name, given]) => {
      if (known[name] === undefined)
        throw unknownName(`file of ${owner}`, name, Object.keys(known));
      const [, system = "", path = ""] = /^([A-Za-z][\w-]*=)?(.*)$/.exec(given) ?? [];
      if (existsSync(given)) return [name, resolve(given)];
      if (name === "codes" && system !== "" && existsSync(path))
        return [name, `${system}${resolve(path)}`];
      throw new BenchError({
        what: `the file ${given} does not exist`,
        where: `--${flag} ${name}`,
        fix: `give the path of ${known[name]}`,
        exitCode: 2,
      });
    }),
  );
}

interface Settable {
  readonly defaults: Hyperparameters;
  readonly presets: Readonly<Record<string, Hyperparameters>>;
}

function settingsOf(
  { defaults, presets }: Settable,
  owner: string,
  preset: string | undefined,
  flag: string,
  pairs: readonly string[],
): Hyperparameters {
  const values: Record<string, number | string | boolean> = { ...defaults };
  if (preset !== undefined) {
    const chosen = presets[preset];
    if (chosen === undefined) throw unknownName(`preset of ${owner}`, preset, Object.keys(presets));
    Object.assign(values, chosen);
  }
  for (const [name, text] of split(flag, pairs)) {
    const standard = values[name];
    if (standard === undefined) throw unknownName(`option of ${owner}`, name, Object.keys(values));
    values[name] = parseLike(standard, flag, name, text);
  }
  return values;
}

function parseLike(
  standard: number | string | boolean,
  flag: string,
  name: string,
  text: string,
): number | string | boolean {
  if (typeof standard === "string") return text;
  if (typeof standard === "boolean" && (text === "true" || text === "false"))
    return text === "true";
  const value = Number(text);
  if (typeof standard === "number" && text.trim() !== "" && Number.isFinite(value)) return value;
  throw new BenchError({
    what: `${name}=${text} is not a ${typeof standard}`,
    where: `--${flag}`,
    fix: `give a ${typeof standard}, like the default ${standard}`,
    exitCode: 2,
  });
}

/** The number of a flag. @throws BenchError when it is no whole number or too small. */
export function wholeNumber(flag: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new BenchError({
    what: `--${flag} is ${value}`,
    where: "command line",
    fix: `give a whole number of at least ${least}`,
    exitCode: 2,
  });
}

/** `0,1,2`. @throws BenchError for anything but different whole numbers. */
export function parseSeeds(text: string): number[] {
  const seeds = text.split(",").map((s) => (/^\d+$/.test(s.trim()) ? Number(s) : Number.NaN));
  if (seeds.every((s) => Number.isSafeInteger(s)) && new Set(seeds).size === seeds.length)
    return seeds;
  throw new BenchError({
    what: `--seeds is "${text}"`,
    where: "command line",
    fix: "give different whole numbers parted by commas, e.g. 0,1,2",
    exitCode: 2,
  });
}
