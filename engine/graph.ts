/**
 * The graph builder: inputs, constants, parameters and nodes, with symbolic shapes. Operations live in
 * `ops/`; each checks its shapes, emits nodes and records a gradient rule. Equal nodes are emitted once.
 * This file knows nothing of the runtime; `onnx.ts` writes the bytes and `runner.ts` runs them.
 */
import type { Random } from "../core/random.ts";
import { type ConstantArray, type ElementType, FLOAT_ARRAYS, type FloatType } from "./element.ts";
import type { MixedRows } from "./mixture.ts";
import { ModulePath } from "./module-path.ts";
import { normalShape, type Shape, showShape } from "./shape.ts";
import { Tape, type TapeEntry, type TapeRule } from "./tape.ts";

export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly string: string }
  | { readonly body: Body };

/** A graph inside a node, e.g. the step of a Scan; it may read values of the graph around it. */
export interface Body {
  readonly graph: Graph;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Identifies it: two bodies are never the same. */
  toJSON(): string;
}

export interface Node {
  readonly op: string;
  /** Empty for standard operators, else e.g. `com.microsoft`. */
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A value of the graph. Its label is the module path and operation that made it, for messages. */
export class Tensor {
  readonly graph: Graph;
  readonly name: string;
  readonly shape: Shape;
  readonly type: ElementType;
  readonly label: string;
  /** Whether a parameter is among its ancestors. */
  tracked = false;

  constructor(graph: Graph, name: string, shape: Shape, type: ElementType, label: string) {
    this.graph = graph;
    this.name = name;
    this.shape = shape;
    this.type = type;
    this.label = label;
  }

  /** `layer0.query [B, 64]`. */
  toString(): string {
    return `${this.label} ${showShape(this.shape)}`;
  }
}

/** Draws the initial values of a parameter of `size` elements. */
export type Initializer = (random: Random, size: number) => Float32Array;

export interface Parameter {
  /** Module path and name, e.g. `layer0.query.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: Initializer;
  /** Whether weight decay applies to it; by habit not to biases and gains. */
  readonly decay: boolean;
  readonly tensor: Tensor;
}

/** A look-up of rows of a table; its gradient leaves the graph as rows and is scattered outside. */
export interface Lookup {
  readonly table: Tensor;
  readonly ids: Tensor;
  readonly rows: Tensor;
}

/** A table of weighted sums of rows of a parameter, fed as an input; read it by look-ups only. See `mixture.ts`. */
export interface Mixture {
  /** [n, segments · width]. */
  readonly tensor: Tensor;
  readonly source: Tensor;
  readonly rows: MixedRows;
}

/** An input of zeros and 1/(1 - rate), fed from a seeded pool at each training step. */
export interface Mask {
  readonly tensor: Tensor;
  readonly rate: number;
}

export type Rule = TapeRule<Tensor>;
export type Recorded = TapeEntry<Tensor>;

export interface GraphOptions {
  readonly dtype?: FloatType;
  /** Whether dropout is active. */
  readonly training?: boolean;
  /** Whether products use `com.microsoft.FusedMatMul`; false emits standard operators only. */
  readonly fused?: boolean;
  /** The graph whose values a body may read; its own are then named after it. */
  readonly around?: { readonly graph: Graph; readonly name: string };
}

interface EmitOptions {
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly type?: ElementType;
}

export class Graph {
  readonly dtype: FloatType;
  readonly training: boolean;
  readonly fused: boolean;
  readonly nodes: Node[] = [];
  readonly inputs = new Map<string, Tensor>();
  readonly constants = new Map<string, { tensor: Tensor; values: ConstantArray }>();
  readonly parameters: Parameter[] = [];
  readonly lookups: Lookup[] = [];
  readonly mixtures: Mixture[] = [];
  readonly masks: Mask[] = [];
  /** Names of values of the graph around this one that are read here. */
  readonly captured = new Set<string>();
  readonly #tape = new Tape<Tensor>();
  readonly around: GraphOptions["around"];
  readonly #known = new Map<string, readonly Tensor[]>();
  readonly #path = new ModulePath();
  #count = 0;

  constructor(options: GraphOptions = {}) {
    this.dtype = options.dtype ?? "float32";
    this.training = options.training ?? false;
    this.fused = options.fused ?? true;
    this.around = options.around;
  }

  /** How values came about, first things first. */
  get tape(): readonly Recorded[] {
    return this.#tape.entries;
  }

  /** A value of the graph around this one. */
  capture(outer: Tensor): Tensor {
    this.captured.add(outer.name);
    return new Tensor(this, outer.name, outer.shape, outer.type, outer.label);
  }

  /** A name that no other value has, in this graph or around it. */
  #fresh(letter: string): string {
    return `${this.around?.name ?? ""}${letter}${this.#count++}`;
  }

  /** Runs `build` with `name` appended to the module path of everything it makes. */
  scope<T>(name: string, build: () => T): T {
    return this.#path.scope(name, build);
  }

  /** The module path followed by `name`. */
  pathOf(name: string): string {
    return this.#path.pathOf(name);
  }

  /** Runs `build` without recording gradient rules, e.g. for the backward pass itself. */
  withoutGradient<T>(build: () => T): T {
    return this.#tape.paused(build);
  }

  /** @throws ShapeError `<path>: <op>: <message>`. */
  fail(op: string, message: string): never {
    return this.#path.fail(op, message);
  }

  /** A value fed at every run; the same name twice must be the same input. */
  input(name: string, shape: Shape, type: ElementType = this.dtype): Tensor {
    const normal = normalShape(shape);
    const known = this.inputs.get(name);
    if (known !== undefined) {
      if (showShape(known.shape) !== showShape(normal) || known.type !== type)
        this.fail("input", `"${name}" is ${known.type} ${showShape(known.shape)} already`);
      return known;
    }
    const tensor = new Tensor(this, name, normal, type, name);
    this.inputs.set(name, tensor);
    return tensor;
  }

  /** A trainable value below the current module path; `decay` says whether weight decay applies. */
  parameter(name: string, shape: readonly number[], initial: Initializer, decay = true): Tensor {
    const path = this.pathOf(name);
    if (this.inputs.has(path)) this.fail("parameter", `"${path}" exists already`);
    const tensor = this.input(path, shape);
    tensor.tracked = true;
    this.parameters.push({ name: path, shape, initial, decay, tensor });
    return tensor;
  }

  /** A table that follows a parameter [rows, width], below the current module path. */
  mixture(name: string, source: Tensor, rows: MixedRows): Tensor {
    if (!this.parameters.some((p) => p.tensor === source) || source.shape.length !== 2)
      this.fail("mixture", `a table that is a parameter wanted, got ${source}`);
    const n = rows.ids.length / (rows.segments * rows.each);
    const width = source.shape[1] as number;
    const tensor = this.input(this.pathOf(name), [n, rows.segments * width]);
    tensor.tracked = true;
    this.mixtures.push({ tensor, source, rows });
    return tensor;
  }

  /** A mask input for dropout at the current module path. */
  mask(shape: Shape, rate: number): Tensor {
    const tensor = this.input(this.pathOf("mask"), shape);
    this.masks.push({ tensor, rate });
    return tensor;
  }

  /** A value written into the model itself; keep it small, large tables are inputs. */
  constant(values: ConstantArray, shape: readonly number[], type: ElementType): Tensor {
    const key = `constant ${type} ${shape} ${values}`;
    return this.#once(key, () => {
      const tensor = new Tensor(this, this.#fresh("c"), shape, type, "constant");
      this.constants.set(tensor.name, { tensor, values });
      return [tensor];
    })[0] as Tensor;
  }

  /** A number in the graph's float type, shape []. */
  scalar(value: number): Tensor {
    return this.constant(FLOAT_ARRAYS[this.dtype].of(value), [], this.dtype);
  }

  /** Numbers in the graph's float type. */
  floats(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
    return this.constant(FLOAT_ARRAYS[this.dtype].from(values), shape, this.dtype);
  }

  /** Integers as int64, shape [n]: axes, bounds and static shapes. */
  integers(values: readonly number[]): Tensor {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length], "int64");
  }

  /** Adds a node with one output, or finds the equal one. Checks nothing: that is the operations' business. */
  emit(op: string, inputs: readonly Tensor[], shape: Shape, options: EmitOptions = {}): Tensor {
    return this.emitMany(op, inputs, [shape], options)[0] as Tensor;
  }

  /** Adds a node with several outputs, or finds the equal one. */
  emitMany(
    op: string,
    inputs: readonly Tensor[],
    shapes: readonly Shape[],
    options: EmitOptions = {},
  ): readonly Tensor[] {
    const { domain = "", attributes = {}, type = this.dtype } = options;
    const names = inputs.map((input) => input.name);
    const key = `${op} ${names} ${JSON.stringify(attributes)} ${shapes.length}`;
    return this.#once(key, () => {
      const label = this.pathOf(op.toLowerCase());
      const outputs = shapes.map(
        (shape) => new Tensor(this, this.#fresh("t"), normalShape(shape), type, label),
      );
      this.nodes.push({
        op,
        domain,
        name: `${label}#${this.#count}`,
        inputs: names,
        outputs: outputs.map((output) => output.name),
        attributes,
      });
      return outputs;
    });
  }

  /** Remembers how `output` came from `inputs`; a no-op where no parameter is involved. Returns `output`. */
  record(output: Tensor, inputs: readonly Tensor[], rule: Rule): Tensor {
    return this.#tape.record(output, inputs, rule);
  }

  /** Remembers a look-up of rows; the rows become the place where its gradient is read. */
  recordLookup(table: Tensor, ids: Tensor, rows: Tensor): Tensor {
    if (this.#tape.isOn && table.tracked && !rows.tracked) {
      rows.tracked = true;
      this.lookups.push({ table, ids, rows });
    }
    return rows;
  }

  #once(key: string, make: () => readonly Tensor[]): readonly Tensor[] {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#known.set(key, made);
    return made;
  }
}
