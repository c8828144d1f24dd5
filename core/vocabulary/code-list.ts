/** Lists of codes in a compact notation: braces hold alternatives, `0-3` among them is a run of digits. */

/** Splits `a,{b,c},0-2` at its outer commas and spells its runs out: a | {b,c} | 0 | 1 | 2. */
function alternatives(text: string): string[] {
  const items: string[] = [];
  let item = "";
  let depth = 0;
  for (const char of text) {
    if (char === "{") depth++;
    if (char === "}") depth--;
    if (char === "," && depth === 0) {
      items.push(item);
      item = "";
    } else {
      item += char;
    }
  }
  return [...items, item].flatMap((part) => {
    const run = /^(\d)-(\d)$/.exec(part);
    if (run === null) return [part];
    const first = Number(run[1]);
    return Array.from({ length: Number(run[2]) - first + 1 }, (_, i) => String(first + i));
  });
}

/** Position of the brace that closes the one at `open`. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === "{") depth++;
    if (text[i] === "}" && --depth === 0) return i;
  }
  throw new Error(`code list: a brace is not closed in "${text}"`);
}

function expand(text: string): string[] {
  const open = text.indexOf("{");
  if (open < 0) return [text];
  const close = closing(text, open);
  const begin = text.slice(0, open);
  const ends = expand(text.slice(close + 1));
  return alternatives(text.slice(open + 1, close))
    .flatMap(expand)
    .flatMap((middle) => ends.map((end) => begin + middle + end));
}

/** Every code of a blank-separated list, e.g. `N17{0-2,9} N19` -> N170, N171, N172, N179, N19. */
export function expandCodes(list: string): string[] {
  return list.trim().split(/\s+/).flatMap(expand);
}
