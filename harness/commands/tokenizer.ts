/** `tokenizer`: gathers the actions, each of which is a command in a file of its own. */
import type { Argv } from "yargs";
import type { Command } from "../command.ts";
import { decodeAction, embedAction, encodeAction, tokenizeAction } from "./tokenizer-codes.ts";
import { exportAction, importAction } from "./tokenizer-exchange.ts";
import { inspectAction } from "./tokenizer-inspect.ts";
import { trainAction } from "./tokenizer-train.ts";

const actions: readonly Command[] = [
  trainAction,
  tokenizeAction,
  encodeAction,
  embedAction,
  decodeAction,
  inspectAction,
  importAction,
  exportAction,
];

const names = actions.map(({ name }) => name.split(" ")[1] ?? name);
const describe = "Train a tokenizer of codes, ask it, look into it, import and export it";

/** One command with actions of its own: `tokenizer train`, `tokenizer embed`, … */
export const tokenizerCommand: Command = {
  name: "tokenizer",
  actions: names,
  flags: [...new Set(actions.flatMap(({ flags }) => flags))],
  command: "tokenizer <action>",
  describe,
  builder: (cli: Argv) => {
    cli.usage(`$0 tokenizer <action>\n\n${describe}`);
    for (const action of actions) cli.command(action);
    return cli
      .example("$0 tokenizer train --codes codes.csv --out TOK", "train one on a table of codes")
      .example("$0 tokenizer embed --dir TOK E11.9", "a code's vector")
      .demandCommand(1, `name an action: ${names.join(", ")}`);
  },
  handler: () => {},
};
