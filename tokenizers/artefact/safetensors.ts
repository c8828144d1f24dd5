/** Named float32 tensors in one file, in the safetensors format: eight bytes of length, a JSON header, data. */
import { readFile } from "node:fs/promises";
import { BenchError } from "../../core/errors.ts";

export interface NamedTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** A whole file in pieces; tensors in the order of their names. */
export function safetensorsBytes(tensors: ReadonlyMap<string, NamedTensor>): Uint8Array[] {
  const header: Record<string, Entry> = {};
  const data: Uint8Array[] = [];
  let at = 0;
  for (const name of [...tensors.keys()].sort()) {
    const { shape, values } = tensors.get(name) as NamedTensor;
    const end = at + values.byteLength;
    header[name] = { dtype: "F32", shape, data_offsets: [at, end] };
    data.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    at = end;
  }
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8, " "));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return [length, text, ...data];
}

/** The tensors of a file. @throws BenchError when it is none, or holds other numbers than float32. */
export async function readSafetensors(path: string): Promise<Map<string, NamedTensor>> {
  const refuse = (what: string) =>
    new BenchError({
      what: `not a readable .safetensors file: ${what}`,
      where: path,
      fix: "make the artefact again",
    });
  const bytes = await readFile(path);
  const length = bytes.length < 8 ? Number.NaN : Number(bytes.readBigUInt64LE(0));
  if (!(8 + length <= bytes.length)) throw refuse("it is shorter than its header says");
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + length)) as Record<string, Entry>;
  const tensors = new Map<string, NamedTensor>();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (dtype !== "F32") throw refuse(`${name} has elements ${dtype}`);
    const [from, to] = data_offsets;
    const size = shape.reduce((a, b) => a * b, 1);
    const start = 8 + length + from;
    if (to - from !== 4 * size || start + 4 * size > bytes.length)
      throw refuse(`${name} has not the size of its shape`);
    const values = new Float32Array(size);
    new Uint8Array(values.buffer).set(bytes.subarray(start, start + 4 * size));
    tensors.set(name, { shape, values });
  }
  return tensors;
}
