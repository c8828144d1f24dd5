/** What is wrong with a command line that the parser refuses, with the flag or command that was probably meant. */
import { BenchError } from "../core/errors.ts";
import { nearest, unknownName } from "../core/registry.ts";
import type { Command } from "./command.ts";
import { commands } from "./commands/index.ts";

/** What a message of the parser says in the words of this program. */
function inOurWords(message: string): string {
  const choice = /Argument: (\S+), Given: (.*), Choices: (.*)/.exec(message);
  if (choice !== null) return `--${choice[1]} is ${choice[2]}; it is one of ${choice[3]}`;
  if (message.startsWith("Not enough non-option arguments")) return "a word is missing";
  return message.replaceAll("\n", " ");
}

/** The parser says what is wrong; this adds which flag or command was probably meant. */
export function wrongUse(message: string, argv: readonly string[]): BenchError {
  const command = commands.find((c) => c.name === argv[0]);
  const action = argv[1] ?? "";
  if (command?.actions !== undefined && argv.every((word, i) => i === 0 || word.startsWith("-")))
    return wrongUseOf(command.name, command, `name an action: ${command.actions.join(", ")}`, argv);
  if (command?.actions !== undefined && !action.startsWith("-")) {
    if (!command.actions.includes(action))
      return unknownName(`action of ${command.name}`, action, command.actions);
    return wrongUseOf(`${command.name} ${action}`, command, message, argv);
  }
  return wrongUseOf(command?.name ?? null, command, message, argv);
}

function wrongUseOf(
  name: string | null,
  command: Command | undefined,
  message: string,
  argv: readonly string[],
): BenchError {
  const hints =
    command === undefined
      ? nearest(
          argv.find((word) => !word.startsWith("-")) ?? "",
          commands.map((c) => c.name),
        )
      : unknownFlags(argv, command.flags).flatMap((flag) =>
          nearest(flag, command.flags).map((name) => `--${name}`),
        );
  const hint = hints.length > 0 ? `did you mean ${[...new Set(hints)].join(" or ")}? ` : "";
  const help = name === null ? "medtok-bench --help" : `medtok-bench ${name} --help`;
  return new BenchError({
    what: inOurWords(message),
    where: "command line",
    fix: `${hint}see ${help}`,
    exitCode: 2,
  });
}

/** A misspelt flag that is required is reported by yargs as missing; this finds the misspelling. */
function unknownFlags(argv: readonly string[], flags: readonly string[]): string[] {
  return argv
    .filter((word) => word.startsWith("--"))
    .map((word) => word.slice(2).split("=")[0] ?? "")
    .filter((flag) => !flags.includes(flag.replace(/^no-/, "")));
}
