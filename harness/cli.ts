/**
 * Entry of the command line: parses, runs one command, prints errors, sets the exit code.
 * Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted.
 */
import { pathToFileURL } from "node:url";
import yargs from "yargs";
import { BenchError } from "../core/errors.ts";
import { commands } from "./commands/index.ts";
import { openInterrupt } from "./interrupt.ts";
import { harnessVersion } from "./version.ts";
import { wrongUse } from "./wrong-use.ts";

/** Runs one command line (without node and script) and returns its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const interrupt = openInterrupt();
  // It stays: what was written last may fail after this function has ended.
  if (!process.stdout.listeners("error").includes(stopOutput))
    process.stdout.on("error", stopOutput);
  if (!process.stderr.listeners("error").includes(loseLog)) process.stderr.on("error", loseLog);
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

/** Whoever reads the output has had enough (`| head`), or there is no room for it. */
function stopOutput(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE")
    process.stderr.write(
      `error: the output cannot be written: ${error.message}\nfix:   make room, or write it elsewhere\n`,
    );
  process.exit(error.code === "EPIPE" ? 0 : 1);
}

/** Whoever read the progress has gone (`2>&1 | head`, a closed window): the work and its record do not depend on it. */
function loseLog(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") process.exit(1);
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
