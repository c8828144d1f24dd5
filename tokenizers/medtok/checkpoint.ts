/** A training's state as bytes: a JSON head, the counts of the monitor, then parameters and moments. */
import type { State } from "../../engine/state.ts";
import type { Monitor } from "./monitor.ts";
import type { LogLine } from "./types.ts";

interface Head {
  readonly step: number;
  readonly log: LogLine[];
  readonly sums: Record<string, number>;
  /** Rows of the codebook. */
  readonly rows: number;
}

/** Layout: length of the head (uint32, little-endian), head, three blocks of uint32 counts, state. */
export function packCheckpoint(state: State, monitor: Monitor): Uint8Array {
  const { log, sums, counts } = monitor.state;
  const { step, bytes } = state.checkpoint();
  const head: Head = { step, log, sums, rows: counts[0].length };
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const blocks = counts.map((c) => Buffer.from(c.buffer, c.byteOffset, c.byteLength));
  return Buffer.concat([length, text, ...blocks, bytes]);
}

/** Puts state and monitor back to where `packCheckpoint` found them. */
export function unpackCheckpoint(saved: Uint8Array, state: State, monitor: Monitor): void {
  const bytes = Buffer.from(saved); // a copy, aligned
  const length = bytes.readUInt32LE(0);
  const head = JSON.parse(bytes.toString("utf8", 4, 4 + length)) as Head;
  const size = 4 * head.rows;
  const block = (i: number) => {
    const start = 4 + length + i * size;
    return new Uint32Array(new Uint8Array(bytes.subarray(start, start + size)).buffer);
  };
  monitor.state = { log: head.log, sums: head.sums, counts: [block(0), block(1), block(2)] };
  state.restore({ step: head.step, bytes: bytes.subarray(4 + length + 3 * size) });
}
