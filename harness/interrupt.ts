/** Ctrl-C: the first asks the running work to stop at its next safe point, the second ends the process. */
import { BenchError } from "../core/errors.ts";

const controller = new AbortController();

/** Aborted by Ctrl-C or a polite kill; long work checks it between steps and cleans up. */
export const interruptSignal: AbortSignal = controller.signal;

export interface Interrupt {
  readonly interrupted: boolean;
  close(): void;
}

/** Starts listening for SIGINT and SIGTERM. */
export function openInterrupt(): Interrupt {
  const stop = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write(`\n${signal}: stopping at the next safe point (again to stop at once)\n`);
    controller.abort(new BenchError({ what: "interrupted", fix: "run the same command again" }));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    get interrupted() {
      return controller.signal.aborted;
    },
    close() {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}
