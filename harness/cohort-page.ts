/** The cohort report as one HTML page without anything from outside: a flow diagram, tables and histograms. */
import { SMALLEST_COUNT } from "../core/privacy.ts";
import type { Bin, CohortReport, FlowStep } from "./cohort-report.ts";
import { html, htmlTable, pageOf } from "./page.ts";
import type { Cell } from "./small-counts.ts";

/** How a cell reads on a page. */
export function cellText(cell: Cell | null): string {
  if (cell === null) return "";
  return cell === "masked" ? `<${SMALLEST_COUNT}*` : cell.toLocaleString("en-US");
}
const percent = (share: Cell | null) =>
  typeof share === "number" ? `${(100 * share).toFixed(1)} %` : cellText(share);

/** Words in lines of at most `width` characters. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const BOX = { width: 360, height: 54, gap: 34, side: 250, left: 10, between: 40 };

function box(x: number, y: number, width: number, lines: readonly string[], kind: string): string {
  const middle = y + BOX.height / 2 - (lines.length - 1) * 8;
  const text = lines
    .map((line, i) => `<tspan x="${x + width / 2}" y="${middle + i * 16}">${html(line)}</tspan>`)
    .join("");
  return `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${BOX.height}" rx="6"/><text class="${kind}">${text}</text>`;
}

/** One box a rule with who is left, and beside the arrow to it who was left out. */
function flowDiagram(report: CohortReport): string {
  const first = `${cellText(report.subjects)} subjects, ${cellText(report.visits)} visits`;
  const steps: readonly FlowStep[] = report.flow;
  const parts: string[] = [];
  const x = BOX.left;
  const pitch = BOX.height + BOX.gap;
  steps.forEach((step, i) => {
    const y = BOX.left + i * pitch;
    const name =
      i === 0
        ? [first, `${step.step}: ${cellText(step.samples)}`]
        : [...wrap(step.step, 44).slice(0, 2), `n = ${cellText(step.samples)}`];
    parts.push(box(x, y, BOX.width, name, i === steps.length - 1 ? "end" : "step"));
    if (i === 0) return;
    const [centre, above] = [x + BOX.width / 2, y - BOX.gap];
    parts.push(`<path d="M${centre} ${above}V${y - 2}" marker-end="url(#tip)"/>`);
    if (step.excluded === 0) return;
    const side = x + BOX.width + BOX.between;
    const level = y - BOX.gap / 2;
    parts.push(`<path d="M${centre} ${level}H${side - 2}" marker-end="url(#tip)"/>`);
    parts.push(
      `<rect class="out" x="${side}" y="${level - 13}" width="${BOX.side}" height="26" rx="6"/><text class="out"><tspan x="${side + BOX.side / 2}" y="${level}">left out: ${html(cellText(step.excluded))}</tspan></text>`,
    );
  });
  const width = x + BOX.width + BOX.between + BOX.side + BOX.left;
  const height = steps.length * pitch - BOX.gap + 2 * BOX.left;
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="Flow from all subjects to the samples"><defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>${parts.join("")}</svg>`;
}

/** Horizontal bars; a masked one is an empty outline. */
function histogram(title: string, bins: readonly Bin[]): string {
  const shown = bins.filter((b) => b.samples !== 0);
  const most = Math.max(1, ...shown.map((b) => (typeof b.samples === "number" ? b.samples : 0)));
  const [label, bar, line] = [110, 300, 22];
  const rows = shown.map(({ bin, samples }, i) => {
    const y = i * line;
    const length = typeof samples === "number" ? Math.max(1, (bar * samples) / most) : 12;
    const kind = samples === "masked" ? "hidden" : "bar";
    return `<text class="label" x="${label - 8}" y="${y + 11}">${html(bin)}</text><rect class="${kind}" x="${label}" y="${y + 2}" width="${length.toFixed(1)}" height="${line - 6}"/><text class="value" x="${label + length + 6}" y="${y + 11}">${html(cellText(samples))}</text>`;
  });
  const height = Math.max(1, shown.length) * line;
  const told = shown.map(({ bin, samples }) => `${bin}: ${cellText(samples)}`).join("; ");
  return `<figure><figcaption>${html(title)}, number of samples</figcaption><svg viewBox="0 0 ${label + bar + 70} ${height}" width="${label + bar + 70}" role="img" aria-label="${html(`${title}: ${told}`)}">${rows.join("")}</svg></figure>`;
}

function splitTable({ splits }: CohortReport): string {
  const history = (h: CohortReport["splits"][number]["history"]) =>
    h === null ? "" : `${h.median} (${h.p10} to ${h.p90})`;
  return htmlTable(
    "Subjects and samples of each split",
    ["split", "subjects", "samples", "visible codes: median (10 % to 90 %)"],
    splits.map((s) => [s.split, cellText(s.subjects), cellText(s.samples), history(s.history)]),
  );
}

function classTable({ splits }: CohortReport): string {
  const classes = splits[0]?.classes ?? [];
  return htmlTable(
    "Positive samples of each class",
    ["class", ...splits.map((s) => s.split)],
    classes.map((c, i) => [
      c.class,
      ...splits.map((s) => {
        const { positives = null, prevalence = null } = s.classes[i] ?? {};
        return prevalence === null ? "" : `${cellText(positives)} (${percent(prevalence)})`;
      }),
    ]),
  );
}

const FIGURES = `svg{max-width:100%;height:auto}
svg text{font:13px system-ui,sans-serif;text-anchor:middle;dominant-baseline:middle;fill:var(--text)}
svg path{stroke:var(--soft);fill:none}svg path.tip{fill:var(--soft);stroke:none}
rect.step{fill:var(--box);stroke:var(--edge)}rect.end{fill:var(--end);stroke:var(--bar)}rect.out{fill:var(--page);stroke:var(--line);stroke-dasharray:4 3}
svg text.out{fill:var(--soft)}rect.bar{fill:var(--bar)}rect.hidden{fill:var(--page);stroke:var(--edge);stroke-dasharray:3 2}
svg text.label{text-anchor:end}svg text.value{text-anchor:start;fill:var(--soft)}
figure{display:inline-block;vertical-align:top;margin:0 1.5rem 1rem 0}figcaption{font-weight:600;margin-bottom:.4rem}`;

const SOURCES = {
  real: "",
  demo: `<p class="made-up">An open demo: 100 patients decide nothing.</p>`,
  synthetic: `<p class="made-up">Made-up subjects: this says nothing about real patients.</p>`,
};

/** The whole page. */
export function cohortPage(report: CohortReport): string {
  const options = Object.entries(report.task_options).map(
    ([name, value]) => `, ${name} = ${value}`,
  );
  const title = `${report.task} on ${report.dataset}`;
  const note =
    report.source === "real"
      ? `<p class="muted">* Counts below ${SMALLEST_COUNT}, and those from which they would follow, are not told.</p>`
      : "";
  const body = `<p>${html(report.question)}</p>
<p class="muted">${html(`${report.dataset} ${report.dataset_version}, source: ${report.source}, task version ${report.task_version}${options.join("")}, fingerprint ${report.fingerprint}`)}</p>
${SOURCES[report.source]}
<h2>From all subjects to the samples</h2>
<div class="wide">${flowDiagram(report)}</div>
<h2>Splits</h2>
${splitTable(report)}
${classTable(report)}
<h2>Samples</h2>
${histogram("visible codes", report.history_length)}${histogram("age at prediction, years", report.age)}${histogram("sex", report.sex)}
<h2>Rules</h2>
<ul>${report.rules.map((rule) => `<li>${html(rule)}</li>`).join("")}</ul>
${note}`;
  return pageOf(title, body, FIGURES);
}
