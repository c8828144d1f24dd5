/** Progress on stderr: bars with rate and remaining time on a terminal, plain lines otherwise. */
import { Presets, SingleBar } from "cli-progress";
import type { EpochReport } from "../core/model.ts";

/** At most one plain line in this time, so that a log stays readable. */
const LINE_EVERY_MS = 5000;

export interface Progress {
  /** Says what has begun; `total` in units of `unit`, or 0 when unknown. */
  start(stage: string, total?: number, unit?: string): void;
  /** How much of the current stage is done, and a word beside it. */
  update(done: number, note?: string, total?: number): void;
  /** Ends the current stage. */
  end(note?: string): void;
  /** A line of its own. */
  say(line: string): void;
}

/** The progress display that fits the stream. */
export function openProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? new BarProgress(stream) : new LineProgress(stream);
}

class LineProgress implements Progress {
  readonly #stream: NodeJS.WriteStream;
  #stage = "";
  #unit = "";
  #total = 0;
  #started = 0;
  #lastLine = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  start(stage: string, total = 0, unit = ""): void {
    this.#stage = stage;
    this.#total = total;
    this.#unit = unit;
    this.#started = performance.now();
    this.#lastLine = this.#started;
  }

  update(done: number, note = "", total = this.#total): void {
    this.#total = total;
    const now = performance.now();
    if (now - this.#lastLine < LINE_EVERY_MS) return;
    this.#lastLine = now;
    const seconds = (now - this.#started) / 1000;
    const rate = done / seconds;
    const left = total > 0 && done > 0 ? `, ${formatSeconds((total - done) / rate)} left` : "";
    const of = total > 0 ? `/${total}` : "";
    this.say(
      `${this.#stage}: ${done}${of} ${this.#unit} (${rate.toFixed(1)}/s${left}) ${note}`.trimEnd(),
    );
  }

  end(note = ""): void {
    const seconds = (performance.now() - this.#started) / 1000;
    this.say(`${this.#stage}: done in ${formatSeconds(seconds)}${note === "" ? "" : `, ${note}`}`);
  }

  say(line: string): void {
    this.#stream.write(`${line}\n`);
  }
}

class BarProgress implements Progress {
  readonly #stream: NodeJS.WriteStream;
  #bar: SingleBar | undefined;
  #stage = "";
  #started = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  start(stage: string, total = 0, unit = ""): void {
    this.#stage = stage;
    this.#started = performance.now();
    this.#bar = new SingleBar(
      {
        stream: this.#stream,
        clearOnComplete: true,
        hideCursor: true,
        gracefulExit: false,
        format: `${stage} [{bar}] {value}/{total} ${unit} {rate}/s, {eta_formatted} left {note}`,
      },
      Presets.legacy,
    );
    this.#bar.start(Math.max(total, 1), 0, { note: "", rate: "-" });
  }

  update(done: number, note = "", total?: number): void {
    if (total !== undefined) this.#bar?.setTotal(total);
    const seconds = (performance.now() - this.#started) / 1000;
    this.#bar?.update(done, { note, rate: (done / Math.max(seconds, 1e-3)).toFixed(1) });
  }

  end(note = ""): void {
    this.#bar?.stop();
    this.#bar = undefined;
    const seconds = (performance.now() - this.#started) / 1000;
    this.say(`${this.#stage}: done in ${formatSeconds(seconds)}${note === "" ? "" : `, ${note}`}`);
  }

  say(line: string): void {
    this.#stream.write(`${line}\n`);
  }
}

/** `8.2 s`, `3 min 5 s` or `2 h 10 min`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.round((whole % 3600) / 60)} min`;
}

/**
 * The stages of a fit, one after another, each with its own line: what comes before the first step, the
 * stages of pretraining, and training.
 */
export class StageProgress {
  readonly #progress: Progress;
  readonly #of: string;
  #stage: string;
  #note = "";

  /** @param of what is fitted, e.g. `behrt, seed 0` */
  constructor(progress: Progress, of: string) {
    this.#progress = progress;
    this.#of = of;
    this.#stage = "prepare";
    progress.start(`prepare ${of}`);
  }

  report({ stage = "train", epoch, epochs, step, steps, loss }: EpochReport): void {
    if (stage !== this.#stage) {
      this.#progress.end(this.#note);
      this.#progress.start(`${stage} ${this.#of}`, epochs * steps, "steps");
      this.#stage = stage;
    }
    const isLast = epoch === epochs && step === steps;
    this.#note = isLast ? `loss ${loss.toFixed(4)}` : "";
    const note = `epoch ${epoch}, loss ${loss.toFixed(4)}`;
    this.#progress.update((epoch - 1) * steps + step, note, epochs * steps);
  }

  /** Ends the last stage. */
  end(note: string): void {
    this.#progress.end(note);
  }
}
