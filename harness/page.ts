/** What pages of this program share: escaping, tables, and a frame without anything from outside that follows the system's dark mode. */

/** Text as it may stand in a page. */
export const html = (text: string) =>
  text.replace(
    /[&<>"]/g,
    (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] ?? c,
  );

/** Numbers, intervals, and what stands in their place. */
const NUMERIC = /^([-+[<]*[\d.].*|-|\u2013|N\/A|masked|undefined|)$/;

/** Whether a column holds words, which begin at its left edge. */
const isText = (rows: readonly (readonly string[])[], column: number) =>
  column === 0 || rows.some((row) => !NUMERIC.test(row[column] ?? ""));

/** Column heads name columns and first cells rows, for those who listen; a wide table scrolls by itself. */
export function htmlTable(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const side = head.map((_, column) => (isText(rows, column) ? ' class="text"' : ""));
  const heads = head.map((text, c) => `<th scope="col"${side[c]}>${html(text)}</th>`).join("");
  const body = rows.map(([first = "", ...rest]) => {
    const cells = rest.map((text, i) => `<td${side[i + 1] ?? ""}>${html(text)}</td>`).join("");
    return `<tr><th scope="row">${html(first)}</th>${cells}</tr>`;
  });
  return `<div class="wide"><table><caption>${html(caption)}</caption><thead><tr>${heads}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}

const STYLE = `
:root{color-scheme:light dark;--text:#1a202c;--soft:#4a5568;--page:#fff;--line:#cbd5e0;--box:#f7fafc;--edge:#a0aec0;
--end:#ebf4ff;--bar:#2b6cb0;--note:#fffbeb;--mark:#b7791f}
@media (prefers-color-scheme:dark){:root{--text:#e2e8f0;--soft:#a8b3c4;--page:#171923;--line:#3b4558;--box:#222938;
--edge:#718096;--end:#1e3350;--bar:#63a4e8;--note:#332b14;--mark:#d69e2e}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--page);max-width:960px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.3rem 0}.muted{color:var(--soft)}
.made-up{background:var(--note);border-left:4px solid var(--mark);padding:.4rem .8rem;margin:1rem 0}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:.5rem 0 1rem}caption{text-align:left;color:var(--soft)}
th,td{padding:.25rem .8rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
th:first-child,.text{text-align:left}thead th{white-space:normal;vertical-align:bottom}th[scope=row]{font-weight:normal;white-space:normal}`;

/** A whole page. `style` adds rules to the shared ones. */
export function pageOf(title: string, body: string, style = ""): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${html(title)}</title><style>${STYLE}${style}</style></head><body>
<h1>${html(title)}</h1>
${body}
</body></html>
`;
}
