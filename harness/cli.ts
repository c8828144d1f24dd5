/**
 * Entry of the command line: parses, runs one command, prints errors, sets the exit code.
 * Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted.
 */
import { pathToFileURL } from "node:url";
import yargs from "yargs";
import { BenchError } from "../core/errors.ts";
import { nearest, unknownName } from "../core/registry.ts";
import type { Command } from "./command.ts";
import { commands } from "./commands/index.ts";
import { openInterrupt } from "./interrupt.ts";
import { harnessVersion } from "./version.ts";

/** Runs one command line (without node and script) and returns its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const interrupt = openInterrupt();
  try {
    await parser(argv).parseAsync();
    return 0;
  } catch (error) {
    return report(error, interrupt.interrupted);
  } finally {
    interrupt.close();
  }
}

function parser(argv: readonly string[]) {
  const cli = yargs([...argv])
    .scriptName("medtok-bench")
    .usage(
      "$0 <command> [options]\n\nBenchmark of medical-code tokenizers in models of health records.",
    )
    .version(harnessVersion())
    .strict()
    .exitProcess(false)
    .wrap(Math.min(110, process.stderr.columns ?? 100))
    .option("json", {
      type: "boolean",
      default: false,
      describe: "one JSON document on stdout",
      global: true,
    })
    .demandCommand(1, "name a command")
    .epilogue("Start with: medtok-bench run --dataset mimic4 --task drugrec")
    .fail((message, error) => {
      throw error ?? wrongUse(message, argv);
    });
  for (const command of commands) cli.command(command);
  return cli;
}

/** yargs says what is wrong; this adds which flag or command was probably meant. */
function wrongUse(message: string, argv: readonly string[]): BenchError {
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
    what: message.replaceAll("\n", " "),
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

function report(error: unknown, interrupted: boolean): number {
  if (interrupted) {
    process.stderr.write(
      "interrupted: nothing half-written was kept; run the same command again to go on\n",
    );
    return 130;
  }
  if (error instanceof BenchError) {
    process.stderr.write(`${error.render()}\n`);
    return error.exitCode;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    `${stack}\n\nThis is a bug in medtok-bench ${harnessVersion()} (Node ${process.versions.node}, ${process.platform} ${process.arch}).\n`,
  );
  return 1;
}

// Run from source, e.g. by `npm run cli`.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await main(process.argv.slice(2));
}
