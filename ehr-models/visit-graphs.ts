/**
 * Samples -> one small graph a visit, for models that read visits as graphs of codes. Slot 0 of every graph is
 * its virtual node, so that it is found by place and not by value (models.md GB4); the codes follow, at most
 * `maxNodes`, the latest of the visit. The graphs of a batch stand in one list of G, without any for padding;
 * `graph` [B, T] says which one belongs to a slot of visits, oldest first.
 */
import { CODE_KINDS, STRUCTURE_CODES } from "../core/event-store.ts";
import type { SampleSource } from "../core/samples.ts";
import type { CodeTable, Tokenizer } from "../core/tokenizer.ts";
import { type BatchSource, type InputSpec, paddedLength, sequenceLength } from "./batch-source.ts";
import { sharesOf } from "./code-sums.ts";
import { allocateColumns, type Columns, fillSample, SAMPLE_COLUMNS } from "./inputs.ts";
import { type Placement, placeVisits, rowsByVisit } from "./visit-inputs.ts";

/** Ids of nodes that are no codes; 0 is a code, or padding. */
export const NODE = { code: 0, virtual: 1, mask: 2 } as const;
export const NODE_ROWS = 3;
/** Classes of nodes that edges are typed by: diagnoses, procedures, drugs, the virtual node. */
export const NODE_CLASSES = 4;
const VIRTUAL_CLASS = 3;
/** Rows of the table of visit types: 0 hidden or padding, 10 other or unknown. */
export const VISIT_TYPES = 11;
const OTHER_TYPE = VISIT_TYPES - 1;

const COLUMNS = {
  /** [G, n]: units of the tokenizer; 0 where there is no code. */
  nodes: { type: "int32", shape: ["G", "n"] },
  /** [G, n]: values of NODE. */
  special: { type: "int32", shape: ["G", "n"] },
  /** [G, n]: class of the node; codes of other kinds count with the diagnoses. */
  nodeClass: { type: "int32", shape: ["G", "n"] },
  /** [G, n]: 1 = a node. */
  nodeMask: { type: "float32", shape: ["G", "n"] },
  /** [B, T]: index of the visit's graph; 0 for padding, which `visitMask` takes out. */
  graph: { type: "int32", shape: ["B", "T"] },
  visitMask: { type: "float32", shape: ["B", "T"] },
  /** [B, T]: type of the visit, below VISIT_TYPES. */
  visitType: { type: "int32", shape: ["B", "T"] },
  /** [B, T]: visits after this one; does not depend on how many were cut (GB5). */
  visitsAfter: { type: "float32", shape: ["B", "T"] },
  /** [B, T]: age in years at the visit's start, and whether it is known. */
  ageYears: { type: "float32", shape: ["B", "T"] },
  ageKnown: { type: "float32", shape: ["B", "T"] },
  /** [B, T]: days from the visit's start to the prediction time; 0 where unknown. */
  daysBefore: { type: "float32", shape: ["B", "T"] },
} as const satisfies Readonly<Record<string, InputSpec>>;

/** For an output that reads sums of codes (`code-sums.ts`) and what is known of the subject. */
const OUTPUT_COLUMNS = {
  /** Weights of nodes; 0 where there is no code. */
  share: { type: "float32", shape: ["G", "n"] },
  isLast: { type: "float32", shape: ["G", "n"] },
  ...SAMPLE_COLUMNS,
} as const satisfies Readonly<Record<string, InputSpec>>;

export interface GraphOptions {
  readonly maxVisits: number;
  /** n at most, the virtual node included. */
  readonly maxNodes: number;
  /** Type of each row of the code table that opens a visit, else 0; see `visitTypes`. */
  readonly visitTypes: Uint8Array;
  /** Whether few visits are padded, as widths above 128 need it (`engine/ops/matmul.ts`). */
  readonly wide: boolean;
  /** Whether the columns for sums are wanted. */
  readonly sums: boolean;
}

/**
 * Types of visits by the code of their admission: the first nine in alphabetical order have an id of their
 * own, any others share the last one, so that no id is out of range (GB6).
 */
export function visitTypes({ code }: CodeTable): Uint8Array {
  const prefix = `${STRUCTURE_CODES.admission}/`;
  const types = new Uint8Array(code.length);
  let next = 1;
  for (const [row, name] of code.entries())
    if (name.startsWith(prefix)) types[row] = Math.min(OTHER_TYPE, next++);
  return types;
}

const PROCEDURE = CODE_KINDS.indexOf("procedure");
const DRUG = CODE_KINDS.indexOf("drug");

function classOf(kind: number): number {
  return kind === PROCEDURE ? 1 : kind === DRUG ? 2 : 0;
}

interface Sizes {
  readonly visits: number;
  /** Most nodes of a kept visit, the virtual one included. */
  readonly widest: number;
}

interface Row {
  readonly b: number;
  readonly sample: number;
  /** Graphs of the samples before it. */
  readonly firstGraph: number;
  readonly dims: { readonly T: number; readonly n: number };
}

const DAYS_PER_YEAR = 365.25;

/** The visits of a split as graphs. */
export function graphInputs(
  source: SampleSource,
  tokenizer: Tokenizer,
  options: GraphOptions,
): BatchSource {
  const limits = { maxVisits: options.maxVisits, maxVisitCodes: options.maxNodes - 1 };
  const specs: Readonly<Record<string, InputSpec>> = options.sums
    ? { ...COLUMNS, ...OUTPUT_COLUMNS }
    : COLUMNS;
  const sizes = new Map<number, Sizes>();
  const sizesOf = (sample: number): Sizes => {
    const known = sizes.get(sample);
    if (known !== undefined) return known;
    const history = source.read(sample);
    const { visits, from, to } = placeVisits(history, rowsByVisit(history), limits);
    const widest = from.reduce((n, at, v) => Math.max(n, 1 + (to[v] as number) - at), 1);
    const measured = { visits, widest };
    sizes.set(sample, measured);
    return measured;
  };
  const fill = (columns: Columns, row: Row): void => {
    const history = source.read(row.sample);
    const rows = rowsByVisit(history);
    const placement = placeVisits(history, rows, limits);
    for (let v = 0; v < placement.visits; v++) {
      const type = fillGraph(columns, row, placement, v, (i) => {
        const at = rows[i] as number;
        const code = history.code[at] as number;
        return {
          unit: tokenizer.unit[code] as number,
          kind: history.kind[at] as number,
          type: options.visitTypes[code] ?? 0,
        };
      });
      const start = history.visitStart[placement.cut + v] as number;
      const age = (source.ageYears[row.sample] as number) - start / DAYS_PER_YEAR;
      fillVisit(columns, row, { v, visits: placement.visits, type, start, age });
    }
    fillSums(columns, row, placement.visits);
  };
  return {
    size: source.size,
    specs,
    lengthOf: (sample) => Math.max(1, sizesOf(sample).visits * sizesOf(sample).widest),
    collate(samples) {
      const B = samples.length;
      const visits = samples.reduce((most, sample) => Math.max(most, sizesOf(sample).visits), 1);
      const widest = samples.reduce((most, sample) => Math.max(most, sizesOf(sample).widest), 1);
      const T = options.wide ? sequenceLength(B, visits) : visits;
      const n = paddedLength(widest);
      const G = samples.reduce((sum, sample) => sum + sizesOf(sample).visits, 0);
      const dims = { B, T, n, G: Math.max(1, G) }; // without visits, one graph that nobody reads
      const feeds = allocateColumns(specs, dims);
      let firstGraph = 0;
      for (const [b, sample] of samples.entries()) {
        fill(feeds, { b, sample, firstGraph, dims });
        fillSample(feeds, b, { source, sample, history: source.read(sample) });
        firstGraph += sizesOf(sample).visits;
      }
      if (G === 0) (feeds["nodeMask"] as Float32Array)[0] = 1;
      return { feeds, dims };
    },
  };
}

/** The weights of a sample's nodes, once its graphs are there. */
function fillSums(columns: Columns, { firstGraph, dims }: Row, visits: number): void {
  const { nodes, special, nodeMask, share, isLast } = columns as Required<Columns>;
  if (share === undefined || isLast === undefined) return;
  const from = firstGraph * dims.n;
  const places: number[] = [];
  for (let at = from; at < from + visits * dims.n; at++)
    if (special?.[at] === NODE.code && nodeMask?.[at] === 1) places.push(at);
  const shares = sharesOf(Int32Array.from(places, (at) => nodes?.[at] as number));
  for (const [k, at] of places.entries()) {
    share[at] = shares[k] as number;
    isLast[at] = Number(at >= from + (visits - 1) * dims.n);
  }
}

/** Writes the graph of the v-th kept visit; returns the visit's type. */
function fillGraph(
  columns: Columns,
  row: Row,
  placement: Placement,
  v: number,
  read: (i: number) => { unit: number; kind: number; type: number },
): number {
  const { nodes, special, nodeClass, nodeMask } = columns as Required<Columns>;
  let at = (row.firstGraph + v) * row.dims.n;
  let type = 0;
  const put = (unit: number, mark: number, of: number) => {
    (nodes as Int32Array)[at] = unit;
    (special as Int32Array)[at] = mark;
    (nodeClass as Int32Array)[at] = of;
    (nodeMask as Float32Array)[at] = 1;
    at += 1;
  };
  put(0, NODE.virtual, VIRTUAL_CLASS);
  for (let i = placement.from[v] as number; i < (placement.to[v] as number); i++) {
    const node = read(i);
    put(node.unit, NODE.code, classOf(node.kind));
    if (type === 0) type = node.type;
  }
  return type === 0 ? OTHER_TYPE : type;
}

function fillVisit(
  columns: Columns,
  row: Row,
  visit: { v: number; visits: number; type: number; start: number; age: number },
): void {
  const at = row.b * row.dims.T + visit.v;
  const set = (name: keyof typeof COLUMNS, value: number) => {
    (columns[name] as Float32Array)[at] = value;
  };
  const isKnown = !Number.isNaN(visit.age);
  set("graph", row.firstGraph + visit.v);
  set("visitMask", 1);
  set("visitType", visit.type);
  set("visitsAfter", visit.visits - 1 - visit.v);
  set("ageYears", isKnown ? Math.max(0, visit.age) : 0);
  set("ageKnown", isKnown ? 1 : 0);
  set("daysBefore", Number.isNaN(visit.start) ? 0 : visit.start);
}
