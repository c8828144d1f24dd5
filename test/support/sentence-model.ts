/**
 * A sentence encoder in ONNX as small as can be: each word's state is a row of a table, so that mean pooling and unit
 * length can be computed by hand. Written by the project's own emitter, in the folder layout that
 * `@huggingface/transformers` reads.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Graph, Tensor } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";

export const WORDS: Readonly<Record<string, readonly [number, number, number]>> = {
  "[PAD]": [9, 9, 9],
  "[UNK]": [0, 0, 1],
  heart: [1, 0, 0],
  failure: [0, 1, 0],
  old: [3, 4, 0],
};

const OUTPUT = "last_hidden_state";

/** Ids [B, T] int64 -> states [B, T, 3]. */
function modelBytes(): Uint8Array {
  const graph = new Graph();
  const ids = graph.input("input_ids", ["B", "T"], "int64");
  const rows = Object.values(WORDS);
  const table = graph.constant(Float32Array.from(rows.flat()), [rows.length, 3], "float32");
  const states = graph.emit("Gather", [table, ids], ["B", "T", 3], {
    attributes: { axis: { int: 0 } },
  });
  const output = new Tensor(graph, OUTPUT, states.shape, states.type, OUTPUT);
  graph.nodes.push({
    op: "Identity",
    domain: "",
    name: OUTPUT,
    inputs: [states.name],
    outputs: [OUTPUT],
    attributes: {},
  });
  return toOnnx(graph, [output]).bytes;
}

/** Writes the encoder into a new folder. */
export function writeSentenceModel(folder: string): string {
  const special = (content: string, id: number) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [special("[PAD]", 0), special("[UNK]", 1)],
    normalizer: { type: "Lowercase" },
    pre_tokenizer: { type: "Whitespace" },
    post_processor: null,
    decoder: null,
    model: {
      type: "WordLevel",
      vocab: Object.fromEntries(Object.keys(WORDS).map((word, id) => [word, id])),
      unk_token: "[UNK]",
    },
  };
  const settings = {
    tokenizer_class: "PreTrainedTokenizer",
    pad_token: "[PAD]",
    unk_token: "[UNK]",
    model_max_length: 512,
  };
  mkdirSync(join(folder, "onnx"), { recursive: true });
  writeFileSync(join(folder, "config.json"), JSON.stringify({ model_type: "bert" }));
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify(settings));
  writeFileSync(join(folder, "onnx", "model.onnx"), modelBytes());
  return folder;
}
