/**
 * A stage of training between two epochs, as bytes: a line of JSON (step, curve, best epoch, hash of the
 * operations, lengths of the dropout pools), then the state's blocks and the best parameters, raw.
 */
import type { EpochSummary, TuningScore } from "../core/model.ts";
import type { TrainerCheckpoint } from "./trainer.ts";

/** Raised whenever an older checkpoint could be read wrongly or would lead elsewhere. */
const FORMAT = 1;
const NEWLINE = 10;

/** Where one stage keeps its checkpoint; see `Checkpoints` in core/model.ts. */
export interface CheckpointSlot {
  load(): Promise<Uint8Array | undefined>;
  save(bytes: Uint8Array): Promise<void>;
}

export interface BestEpoch {
  readonly epoch: number;
  readonly score: TuningScore;
  readonly parameters: Float32Array;
}

/** What a stage has done so far. */
export interface Progress {
  readonly trainer: TrainerCheckpoint;
  readonly curve: readonly EpochSummary[];
  /** Left out by stages without a tuning score. */
  readonly best?: BestEpoch;
}

interface Head {
  readonly format: number;
  readonly trainer: Omit<TrainerCheckpoint, "bytes">;
  readonly curve: readonly EpochSummary[];
  readonly best: Omit<BestEpoch, "parameters"> | null;
  /** Bytes of the state and of the best parameters. */
  readonly sizes: readonly [number, number];
}

function bytesOf(values: Float32Array | undefined): Uint8Array {
  if (values === undefined) return new Uint8Array();
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** JSON knows no NaN, which a tuning score may be. */
function withNaN(key: string, value: unknown): unknown {
  return (key === "tuning_score" || key === "value") && value === null ? Number.NaN : value;
}

export function encodeProgress({ trainer, curve, best }: Progress): Uint8Array {
  const { bytes, ...rest } = trainer;
  const parameters = bytesOf(best?.parameters);
  const head: Head = {
    format: FORMAT,
    trainer: rest,
    curve,
    best: best === undefined ? null : { epoch: best.epoch, score: best.score },
    sizes: [bytes.length, parameters.length],
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), bytes, parameters]);
}

/** Undefined for bytes that are no whole checkpoint of this format. */
export function decodeProgress(bytes: Uint8Array): Progress | undefined {
  const end = bytes.indexOf(NEWLINE);
  const head = parseHead(bytes.subarray(0, Math.max(0, end)));
  if (head?.format !== FORMAT) return undefined;
  const [state, parameters] = head.sizes;
  const start = end + 1;
  if (bytes.length !== start + state + parameters) return undefined;
  const trainer = { ...head.trainer, bytes: copyOf(bytes, start, start + state) };
  const { curve } = head;
  if (head.best === null) return { trainer, curve };
  const best = { ...head.best, parameters: new Float32Array(copyOf(bytes, start + state).buffer) };
  return { trainer, curve, best };
}

/** A copy in a buffer of its own; a Buffer's slice would be a view at any address. */
function copyOf(bytes: Uint8Array, from: number, to?: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.subarray(from, to));
}

function parseHead(bytes: Uint8Array): Head | undefined {
  try {
    return JSON.parse(Buffer.from(bytes).toString(), withNaN) as Head;
  } catch {
    return undefined;
  }
}
