/** The shape of a command: flags, one example at least, and what it does. One file per command in commands/. */
import type { Argv, CommandModule, InferredOptionTypes, Options } from "yargs";
import { BenchError } from "../core/errors.ts";

export interface Command extends CommandModule {
  readonly name: string;
  /** Long names of its flags, for suggestions. */
  readonly flags: readonly string[];
  /** Names of its actions, where it has any: `tokenizer train`. */
  readonly actions?: readonly string[];
}

export interface CommandSpec<O extends Record<string, Options>> {
  readonly name: string;
  readonly describe: string;
  /** Command lines with what they do. */
  readonly examples: readonly (readonly [command: string, does: string])[];
  readonly options: O;
  /** Name of the one option that is given without its flag. */
  readonly positional?: Extract<keyof O, string>;
  run(args: InferredOptionTypes<O> & { readonly json: boolean }): Promise<void>;
}

export function defineCommand<O extends Record<string, Options>>(spec: CommandSpec<O>): Command {
  const line = spec.positional === undefined ? spec.name : `${spec.name} <${spec.positional}>`;
  return {
    name: spec.name,
    flags: [...Object.keys(spec.options), "json", "help"],
    command: line,
    describe: spec.describe,
    builder: (cli: Argv) =>
      cli
        .usage(`$0 ${line}\n\n${spec.describe}`)
        .options(spec.options)
        .example(spec.examples.map(([line, does]) => [`$0 ${line}`, does])),
    handler: async (args) => {
      checkValues(spec.options, args);
      await spec.run(args as unknown as InferredOptionTypes<O> & { json: boolean });
    },
  };
}

/**
 * Refuses what the parser lets through: a flag given twice, an empty value (as of a shell variable that is
 * not set: `--root "$DIR"` must not mean the synthetic twin), a number that is none.
 */
function checkValues(
  options: Readonly<Record<string, Options>>,
  args: Readonly<Record<string, unknown>>,
): void {
  for (const [name, option] of Object.entries(options)) {
    const value = args[name];
    const wrong = (what: string, fix: string) =>
      new BenchError({ what: `--${name} ${what}`, where: "command line", fix, exitCode: 2 });
    if (option.array !== true && Array.isArray(value))
      throw wrong(`is given ${value.length} times`, "give it once");
    if (value === "" || (Array.isArray(value) && value.includes("")))
      throw wrong("is empty", "give it a value, or leave it out; a shell variable may be unset");
    if (Number.isNaN(value)) throw wrong("is not a number", "give a number");
  }
}
