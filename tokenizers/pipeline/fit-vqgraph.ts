/** The graph-only rival as a tokenizer of a run: trained once on the store's graph, kept as an artefact, or loaded. */
import { join } from "node:path";
import { shortHash } from "../../core/hash.ts";
import type { Hyperparameters } from "../../core/hyperparameters.ts";
import type { Tokenizer, TokenizerContext, TokenizerRequest } from "../../core/tokenizer.ts";
import { type ArtefactContents, writeArtefact } from "../artefact/write.ts";
import { MOST_ROWS } from "../medtok/config.ts";
import { buildKnowledgeGraph } from "../medtok/graph/build.ts";
import { NOTHING } from "../medtok/graph/published.ts";
import type { CodeInputs, KnowledgeGraph } from "../medtok/types.ts";
import { type VqGraphConfig, vqGraphConfig } from "../vqgraph/config.ts";
import { codeTokens } from "../vqgraph/tokens.ts";
import { rowUsage, type TrainedVqGraph, trainVqGraph } from "../vqgraph/train.ts";
import { coOccurrenceTable } from "./co-occurrence.ts";
import { chosenGraph, publishedInputs } from "./given.ts";
import { type CodeSource, describeCodes } from "./inputs.ts";
import { cachedFolder } from "./medtok-artefact.ts";
import { agreements } from "./quality-report.ts";
import { tokenizerRandom } from "./random.ts";
import { checkFolder, checkInputs } from "./requests.ts";
import {
  type Rows,
  rowsOfArtefact,
  rowsOfFolder,
  sourceOf,
  splitFingerprint,
  tokenizerOfRows,
} from "./rows.ts";

/** Raised when the same inputs could give another artefact. */
const VERSION = 1;

interface GraphInputs {
  readonly codes: CodeInputs;
  readonly graph: KnowledgeGraph;
  /** Each code's own nodes; empty where the graph knows nothing of it. */
  readonly nodesOf: readonly Int32Array[];
}

function ownInputs(context: TokenizerContext, source: CodeSource, uses: boolean): GraphInputs {
  const codes = describeCodes(source);
  const extra = uses ? [coOccurrenceTable(context)] : [];
  const graph = buildKnowledgeGraph(codes, {
    parents: source.parents,
    relations: [...source.knowledge.relations, ...extra],
  });
  return { codes, graph, nodesOf: codes.code.map((_, row) => Int32Array.of(row)) };
}

async function inputsOf(context: TokenizerContext, config: VqGraphConfig): Promise<GraphInputs> {
  const published = await chosenGraph(config, context.given);
  const source = await sourceOf(context);
  if (published === null) return ownInputs(context, source, config.coOccurrence);
  const codes = describeCodes(source);
  const { graph, subgraphs } = publishedInputs(codes.code, published);
  const { node, nodeOffset } = subgraphs;
  const nodesOf = codes.code.map((_, row) =>
    node.slice(nodeOffset[row], nodeOffset[row + 1]).filter((own) => graph.nodeId[own] !== NOTHING),
  );
  return { codes, graph, nodesOf };
}

async function contents(
  { codes, graph, nodesOf }: GraphInputs,
  config: VqGraphConfig,
  trained: TrainedVqGraph,
  split: string | null,
  threads: number,
): Promise<ArtefactContents> {
  const { width, codebookSize } = config;
  const made = codeTokens(nodesOf, trained.rowOf, trained.codebook, width);
  const tables = { vqgraph: { values: made.vectors, width } };
  const chosen = made.ids.filter((id) => id >= 0);
  const layer = trained.parameters;
  const tensor = (name: string, shape: readonly number[]) =>
    [name, { values: layer.get(name) as Float32Array, shape }] as const;
  return {
    tokenizer: "vqgraph",
    version: VERSION,
    options: config as unknown as Hyperparameters,
    code: codes.code,
    hasSystems: codes.code.some((code) => code.includes("/")),
    description: codes.description,
    embeddings: made.vectors,
    width,
    tokens: {
      ids: made.ids,
      weights: made.weights,
      codebook: trained.codebook,
      parts: ["node"],
      per_part: made.perPart,
      codebook_size: codebookSize,
      regions: { node: [0, codebookSize] },
    },
    model: new Map([tensor("layer.weight", [width, width]), tensor("layer.bias", [width])]),
    inputs: { knowledge_graph: graph.hash },
    split,
    mapped: [],
    graph: [],
    report: {
      quality: {
        usage: { node: rowUsage(chosen, codebookSize) },
        same_group_among_nearest: await agreements(codes.code, tables, threads),
      },
      steps: config.steps,
      log: trained.log,
    },
  };
}

async function trainedRows(context: TokenizerContext, config: VqGraphConfig): Promise<Rows> {
  const { cacheFolder, threads, report, signal } = context;
  const inputs = await inputsOf(context, config);
  const split = config.coOccurrence ? splitFingerprint(context) : null;
  const { mode: _, trainable: __, residual: ___, ...training } = config;
  const nodes = shortHash(inputs.nodesOf.map((own) => [...own]));
  const key = shortHash([VERSION, training, inputs.codes, inputs.graph.hash, nodes, split]);
  const artefact = await cachedFolder(join(cacheFolder, `vqgraph-${key}`), async (folder) => {
    const random = tokenizerRandom(config.seed).derive("vqgraph");
    const trained = await trainVqGraph(inputs.graph, config, { random, threads, report, signal });
    await writeArtefact(folder, await contents(inputs, config, trained, split, threads));
  });
  try {
    const known = inputs.nodesOf.map((nodes, row) => (nodes.length === 0 ? -1 : row));
    return rowsOfArtefact(artefact, Int32Array.from(known));
  } finally {
    artefact.close();
  }
}

/** Refuses what no fit can do, whatever the codes are. @throws BenchError */
export function checkVqGraph(name: string, request: TokenizerRequest): void {
  const { graph } = vqGraphConfig(request.options, MOST_ROWS);
  if (request.directory !== null) checkFolder(request, request.directory, [name]);
  else checkInputs({ graph, text: "hashed", hub: "" }, request);
}

/** The graph-only tokenizer of a run. */
export async function fitVqGraph(name: string, context: TokenizerContext): Promise<Tokenizer> {
  checkVqGraph(name, context);
  const config = vqGraphConfig(context.options, context.codes.size);
  const { directory } = context;
  const made =
    directory === null
      ? await trainedRows(context, config)
      : await rowsOfFolder(context, directory, [name]);
  return tokenizerOfRows(made, { name, ...config }, context);
}
