/** The WebAssembly kernels that update the training state in place; their source is kernels.wat. */
import { KERNELS_BASE64 } from "./kernels-binary.ts";

/** A memory that grows in pages of 64 KiB. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

// The part of the global that is used here; the compiler's ES2023 library does not describe it.
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};

/** A memory of a fixed number of pages. */
export function allocateMemory(pages: number): WasmMemory {
  return new WebAssembly.Memory({ initial: pages, maximum: pages });
}

/** Addresses are bytes into the memory; counts are numbers of floats. See kernels.wat for the arithmetic. */
export interface Kernels {
  adamw(
    p: number,
    m: number,
    v: number,
    g: number,
    count: number,
    rate: number,
    correction: number,
    epsilon: number,
    b1: number,
    b2: number,
    scale: number,
    keep: number,
  ): void;
  addRows(target: number, ids: number, rows: number, count: number, width: number): void;
  mix(
    target: number,
    ids: number,
    weights: number,
    source: number,
    each: number,
    width: number,
  ): void;
  spread(
    target: number,
    ids: number,
    weights: number,
    row: number,
    each: number,
    width: number,
  ): void;
  sumSquares(at: number, count: number): number;
  follow(average: number, p: number, count: number, weight: number): void;
  swap(a: number, b: number, count: number): void;
}

/** Kernels over one memory. */
export function instantiateKernels(memory: WasmMemory): Kernels {
  const module = new WebAssembly.Module(Buffer.from(KERNELS_BASE64, "base64"));
  const instance = new WebAssembly.Instance(module, { state: { memory } });
  return instance.exports as Kernels;
}
