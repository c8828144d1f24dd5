/**
 * Parameters, Adam moments, averaged parameters and gradients in one WebAssembly memory: five blocks of
 * equal layout, every parameter padded to four floats. The runtime reads parameters through views without a
 * copy, and the kernels update them in place. Gradients are zero between steps. Tables that follow a parameter
 * (`mixture.ts`) lie behind them. Limit: 4 GiB, about 200 million parameters.
 */
import { BenchError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import type { Mixture, Parameter } from "./graph.ts";
import { allocateMemory, instantiateKernels, type Kernels, type WasmMemory } from "./kernels.ts";
import { bytesOf, MixedTable } from "./mixed-table.ts";
import { clipScale, type OptimizerOptions } from "./optimizer.ts";

const PAGE = 65536;
const MAX_PAGES = 65536;
/** Bytes before the first block; keeps every block aligned to 64. */
const HEAD = 64;
/** Rows of gradients pass through a buffer of this many floats on their way into the table. */
const SCRATCH = 1 << 18;
const BLOCKS = { parameters: 0, mean: 1, square: 2, average: 3, gradients: 4 } as const;
/** Bytes per float of a block over all blocks but the gradients. */
const KEPT = 4 * BLOCKS.gradients;

interface Slot {
  readonly parameter: Parameter;
  /** In floats from the start of a block. */
  readonly offset: number;
  readonly size: number;
}

/** All of the state that a training run needs to go on bit for bit. */
export interface Checkpoint {
  readonly step: number;
  readonly bytes: Uint8Array;
}

function padded(n: number): number {
  return Math.ceil(n / 4) * 4;
}

export class State {
  /** Updates made so far. */
  step = 0;
  /** Floats of a block. */
  readonly #width: number;
  readonly #slots = new Map<string, Slot>();
  readonly #memory: WasmMemory;
  readonly #kernels: Kernels;
  readonly #rows: number;
  readonly #ids: number;
  readonly #written = new Set<string>();
  readonly #mixed = new Map<string, MixedTable>();

  /** Draws the initial values; each parameter has its own stream by name. @throws BenchError above 4 GiB. */
  constructor(parameters: readonly Parameter[], random: Random, mixtures: readonly Mixture[] = []) {
    let offset = 0;
    for (const parameter of parameters) {
      const size = parameter.shape.reduce((a, b) => a * b, 1);
      this.#slots.set(parameter.name, { parameter, offset, size });
      offset = Math.ceil((offset + padded(size)) / 16) * 16;
    }
    this.#width = offset;
    this.#rows = HEAD + (KEPT + 4) * offset;
    this.#ids = this.#rows + 4 * SCRATCH;
    const end = this.#ids + 4 * SCRATCH;
    const pages = Math.ceil(mixtures.reduce((sum, mixture) => sum + bytesOf(mixture), end) / PAGE);
    if (pages > MAX_PAGES)
      throw new BenchError({
        what: `the model has ${this.parameterCount} parameters; training state is limited to 4 GiB`,
        fix: "choose a smaller width or vocabulary, or a frozen table of code vectors",
      });
    this.#memory = allocateMemory(pages);
    this.#kernels = instantiateKernels(this.#memory);
    for (const { parameter, size } of this.#slots.values())
      this.parameter(parameter.name).set(parameter.initial(random.derive(parameter.name), size));
    this.startAverage();
    this.#placeMixtures(mixtures, end);
  }

  #placeMixtures(mixtures: readonly Mixture[], end: number): void {
    let at = end;
    const { buffer: memory } = this.#memory;
    for (const mixture of mixtures) {
      const { name } = mixture.source;
      const source = this.#address("parameters", name);
      const sourceGradient = this.#address("gradients", name);
      const place = { memory, kernels: this.#kernels, at, source, sourceGradient };
      this.#mixed.set(mixture.tensor.name, new MixedTable(mixture, place));
      at += bytesOf(mixture);
    }
  }

  /**
   * Takes over values by name, e.g. of an earlier stage; names that this state lacks are left out.
   * Returns the names taken. @throws when a size differs.
   */
  adopt(values: ReadonlyMap<string, Float32Array>): string[] {
    const taken = this.names.filter((name) => values.has(name));
    for (const name of taken) {
      const given = values.get(name) as Float32Array;
      const own = this.parameter(name);
      if (given.length !== own.length)
        throw new Error(`${name}: ${given.length} values given, ${own.length} wanted`);
      own.set(given);
    }
    this.startAverage();
    return taken;
  }

  /** Number of trainable values. */
  get parameterCount(): number {
    let sum = 0;
    for (const { size } of this.#slots.values()) sum += size;
    return sum;
  }

  get names(): string[] {
    return [...this.#slots.keys()];
  }

  /** A view of one parameter; what is written to it is what the next run reads. */
  parameter(name: string): Float32Array {
    return this.#view("parameters", name);
  }

  /** Tables that follow parameters, by name. */
  get mixed(): ReadonlyMap<string, MixedTable> {
    return this.#mixed;
  }

  /** A view of one parameter's gradient as summed since the last update. */
  gradient(name: string): Float32Array {
    return this.#view("gradients", name);
  }

  /** Adds a whole gradient. */
  addDense(name: string, values: Float32Array): void {
    const { size } = this.#slot(name);
    if (values.length !== size)
      throw new Error(`gradient of ${name}: ${values.length} values, ${size} wanted`);
    const target = this.gradient(name);
    if (!this.#written.has(name)) target.set(values);
    else this.#addBlocks(this.#address("gradients", name), values);
    this.#written.add(name);
  }

  /** Adds values to those at an address, as rows of a table with one row. */
  #addBlocks(target: number, values: Float32Array): void {
    const scratch = new Float32Array(this.#memory.buffer, this.#rows, SCRATCH);
    new Int32Array(this.#memory.buffer, this.#ids, 1)[0] = 0;
    for (let start = 0; start < values.length; start += SCRATCH) {
      const block = values.subarray(start, start + SCRATCH);
      scratch.set(block);
      this.#kernels.addRows(target + 4 * start, this.#ids, this.#rows, 1, block.length);
    }
  }

  /** Rows and their width of a parameter or mixture, and the address of its gradient. */
  #tableOf(name: string): { count: number; width: number; target: number } {
    const table = this.#mixed.get(name);
    if (table !== undefined)
      return { count: table.count, width: table.width, target: table.gradient };
    const [count, width] = this.#slot(name).parameter.shape as readonly [number, number];
    return { count, width, target: this.#address("gradients", name) };
  }

  /** Adds `rows[i]` to row `ids[i]` of a table's gradient, in order. @throws when an id is out of range. */
  addRows(name: string, ids: Int32Array, rows: Float32Array): void {
    const { count, width, target } = this.#tableOf(name);
    if (rows.length !== ids.length * width)
      throw new Error(`rows of ${name}: ${rows.length} values for ${ids.length} ids`);
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      if (id < 0 || id >= count) throw new Error(`rows of ${name}: id ${id} is not below ${count}`);
    }
    const block = Math.floor(SCRATCH / width);
    if (block === 0) throw new Error(`rows of ${name}: wider than ${SCRATCH}`);
    const rowScratch = new Float32Array(this.#memory.buffer, this.#rows, SCRATCH);
    const idScratch = new Int32Array(this.#memory.buffer, this.#ids, SCRATCH);
    for (let start = 0; start < ids.length; start += block) {
      const end = Math.min(ids.length, start + block);
      rowScratch.set(rows.subarray(start * width, end * width));
      idScratch.set(ids.subarray(start, end));
      this.#kernels.addRows(target, this.#ids, this.#rows, end - start, width);
    }
    this.#mixed.get(name)?.touch(ids);
    this.#written.add(name);
  }

  /** Hands the gradients of mixtures on to the parameters that they follow, once all of a step are added. */
  spread(): void {
    for (const table of this.#mixed.values()) {
      table.spread();
      this.#written.add(table.mixture.source.name);
    }
  }

  /** Euclidean norm over all gradients. */
  gradientNorm(): number {
    return Math.sqrt(this.#kernels.sumSquares(this.#block("gradients"), this.#width));
  }

  /** One AdamW step with the learning rate times `factor`; gradients are zero afterwards. Returns their norm before clipping. */
  update(options: OptimizerOptions, factor = 1): number {
    const norm = this.gradientNorm();
    const scale = clipScale(norm, options.clipNorm);
    const { b1, b2, epsilon } = options;
    const rate = options.learningRate * factor;
    this.step += 1;
    const unbiased = rate / (1 - b1 ** this.step);
    const correction = 1 / Math.sqrt(1 - b2 ** this.step);
    for (const { parameter, size } of this.#slots.values()) {
      const at = (block: keyof typeof BLOCKS) => this.#address(block, parameter.name);
      const keep = parameter.decay ? 1 - rate * options.weightDecay : 1;
      const [p, m, v, g] = [at("parameters"), at("mean"), at("square"), at("gradients")];
      const count = padded(size);
      this.#kernels.adamw(
        ...([p, m, v, g, count, unbiased, correction, epsilon, b1, b2, scale, keep] as const),
      );
    }
    this.#written.clear();
    return norm;
  }

  /** A copy of all parameters in the layout of a block; see `setParameters`. */
  copyParameters(): Float32Array {
    return new Float32Array(this.#memory.buffer, this.#block("parameters"), this.#width).slice();
  }

  /** Puts back what `copyParameters` gave. */
  setParameters(values: Float32Array): void {
    new Float32Array(this.#memory.buffer, this.#block("parameters"), this.#width).set(values);
  }

  /** Sets the average to the current parameters. */
  startAverage(): void {
    const block = (name: keyof typeof BLOCKS) =>
      new Float32Array(this.#memory.buffer, this.#block(name), this.#width);
    block("average").set(block("parameters"));
  }

  /** Moves the average by a share `weight` of the way to the current parameters. */
  followAverage(weight: number): void {
    const [average, current] = [this.#block("average"), this.#block("parameters")];
    this.#kernels.follow(average, current, this.#width, weight);
  }

  /** Exchanges the current parameters and their average. */
  swapAverage(): void {
    this.#kernels.swap(this.#block("parameters"), this.#block("average"), this.#width);
  }

  /** Parameters by name, copied out of the memory. */
  exportParameters(): Map<string, Float32Array> {
    return new Map(this.names.map((name) => [name, this.parameter(name).slice()]));
  }

  /** Parameters, moments, average and step; take it between two updates. */
  checkpoint(): Checkpoint {
    const bytes = new Uint8Array(this.#memory.buffer, HEAD, KEPT * this.#width).slice();
    return { step: this.step, bytes };
  }

  /** Goes back to a checkpoint of a state with the same parameters. @throws when its size differs. */
  restore({ step, bytes }: Checkpoint): void {
    if (bytes.length !== KEPT * this.#width)
      throw new Error(`checkpoint of ${bytes.length} bytes, ${KEPT * this.#width} wanted`);
    new Uint8Array(this.#memory.buffer, HEAD, bytes.length).set(bytes);
    new Float32Array(this.#memory.buffer, this.#block("gradients"), this.#width).fill(0);
    for (const table of this.#mixed.values()) table.clear();
    this.#written.clear();
    this.step = step;
  }

  #slot(name: string): Slot {
    const slot = this.#slots.get(name);
    if (slot === undefined) throw new Error(`no parameter "${name}"`);
    return slot;
  }

  #block(block: keyof typeof BLOCKS): number {
    return HEAD + 4 * this.#width * BLOCKS[block];
  }

  #address(block: keyof typeof BLOCKS, name: string): number {
    return this.#block(block) + 4 * this.#slot(name).offset;
  }

  #view(block: keyof typeof BLOCKS, name: string): Float32Array {
    const { size } = this.#slot(name);
    return new Float32Array(this.#memory.buffer, this.#address(block, name), size);
  }
}
