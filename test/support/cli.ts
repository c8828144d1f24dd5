/** Runs the command line from source: in this process, or in one of its own as a user would. */
import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../core/package-root.ts";
import { main } from "../../harness/cli.ts";

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** File that stands in for stdout; then none is returned. */
  readonly stdout?: string;
  /** Sends SIGINT when stderr first matches. */
  readonly interruptAt?: RegExp;
  /** Stops reading stderr, and closes it, when it first matches. */
  readonly leaveLogAt?: RegExp;
}

/** Variables of the caller that would change what a command finds. */
const CLEAN = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("MEDTOK_BENCH_")),
);

export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", join(packageRoot, "harness", "cli.ts"), ...args],
    {
      cwd: options.cwd ?? packageRoot,
      env: { ...CLEAN, ...options.env },
      stdio: [
        "ignore",
        options.stdout === undefined ? "pipe" : openSync(options.stdout, "w"),
        "pipe",
      ],
    },
  );
  let stdout = "";
  let stderr = "";
  let interrupted = false;
  child.stdout?.on("data", (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr?.on("data", (data: Buffer) => {
    stderr += data.toString();
    if (options.leaveLogAt?.test(stderr)) child.stderr?.destroy();
    if (!interrupted && options.interruptAt?.test(stderr)) {
      interrupted = true;
      child.kill("SIGINT");
    }
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** The same without a new process, for whatever needs no signal; MEDTOK_BENCH_ variables are set for the call. */
export async function callCli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  const before = { ...process.env };
  const written = { stdout: "", stderr: "" };
  const restore = (["stdout", "stderr"] as const).map((name) => {
    const stream = process[name];
    const write = stream.write;
    stream.write = ((text: string | Uint8Array) => {
      written[name] += text.toString();
      return true;
    }) as typeof stream.write;
    return () => {
      stream.write = write;
    };
  });
  for (const name of Object.keys(before))
    if (name.startsWith("MEDTOK_BENCH_")) delete process.env[name];
  Object.assign(process.env, env);
  try {
    const code = await main(args);
    return { code, ...written };
  } finally {
    for (const undo of restore) undo();
    process.env = before;
  }
}
