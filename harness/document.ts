/** A report as blocks, and how they read on a terminal, in Markdown and as one HTML page without anything from outside. */
import { writeFileSync } from "node:fs";
import { dirname, extname, resolve } from "node:path";
import { BenchError } from "../core/errors.ts";
import { makeFolder } from "../core/make-folder.ts";
import { table, terminalWidth, wrapped } from "./output.ts";
import { html, htmlTable, pageOf } from "./page.ts";

export interface TableBlock {
  readonly kind: "table";
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export type Block =
  | { readonly kind: "heading"; readonly text: string }
  | { readonly kind: "text"; readonly text: string }
  /** What nobody may overlook, in capitals. */
  | { readonly kind: "warning"; readonly text: string }
  | TableBlock;

export interface Document {
  readonly title: string;
  readonly blocks: readonly Block[];
}

export const heading = (text: string): Block => ({ kind: "heading", text });
export const text = (text: string): Block => ({ kind: "text", text });
export const warning = (text: string): Block => ({ kind: "warning", text });

/** For a terminal, without a final newline. */
export function plainText({ title, blocks }: Document): string {
  const parts = blocks.map((block) =>
    block.kind === "table"
      ? `${block.caption}\n${table(block.head, block.rows)}`
      : block.kind === "heading"
        ? `${block.text}\n${"-".repeat(Math.min(block.text.length, terminalWidth()))}`
        : wrapped(block.text),
  );
  return [title, ...parts].join("\n\n");
}

/** A cell's text cannot end its cell or its row. */
const cellOf = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");

function markdownTable({ caption, head, rows }: TableBlock): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cellOf).join(" | ")} |`;
  return [`${caption}\n`, line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Markdown, with a final newline. */
export function markdown({ title, blocks }: Document): string {
  const parts = blocks.map((block) => {
    if (block.kind === "table") return markdownTable(block);
    if (block.kind === "heading") return `## ${block.text}`;
    return block.kind === "warning" ? `**${block.text}**` : block.text;
  });
  return `${[`# ${title}`, ...parts].join("\n\n")}\n`;
}

/** Tables of many columns. */
const WIDE = "body{max-width:1200px}";

/** One page. */
export function htmlPage({ title, blocks }: Document): string {
  const parts = blocks.map((block) => {
    if (block.kind === "table") return htmlTable(block.caption, block.head, block.rows);
    if (block.kind === "heading") return `<h2>${html(block.text)}</h2>`;
    const paragraph = block.kind === "warning" ? `<p class="made-up">` : "<p>";
    return `${paragraph}${html(block.text).replaceAll("\n", "<br>")}</p>`;
  });
  return pageOf(title, parts.join("\n"), WIDE);
}

const FORMATS: Readonly<Record<string, (document: Document) => string>> = {
  ".html": htmlPage,
  ".md": markdown,
};

/** @throws BenchError when a file's name says no format that there is. */
export function checkDocumentFile(file: string): void {
  if (FORMATS[extname(file)] !== undefined) return;
  throw new BenchError({
    what: `--out ${file} is neither .html nor .md`,
    where: "command line",
    fix: "name a file that ends in .html or .md",
    exitCode: 2,
  });
}

/** Writes a document as its name says. @throws BenchError when it cannot be written. */
export function writeDocument(file: string, document: Document): void {
  checkDocumentFile(file);
  makeFolder(dirname(resolve(file)), { fix: "name another file with --out" });
  try {
    writeFileSync(file, (FORMATS[extname(file)] ?? markdown)(document));
  } catch (cause) {
    throw new BenchError({
      what: `the report cannot be written: ${cause instanceof Error ? cause.message : cause}`,
      where: file,
      fix: "name another file with --out",
      cause,
    });
  }
}
