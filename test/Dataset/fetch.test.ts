/** Downloads from a server on this machine that breaks off, lies, falls over or knows no ranges. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import t, { type Test } from "tap";
import { BenchError } from "../../core/errors.ts";
import { sha256 } from "../../core/hash.ts";
import { DEMOS, fetchDemo } from "../../Dataset/fetch.ts";
import { datasets } from "../../Dataset/index.ts";
import { callCli } from "../support/cli.ts";
import { mimic4Files, storeOf } from "./made-up-mimic.ts";
import { admission, diagnosis, patient } from "./made-up-mimic4.ts";

const DIAGNOSES = Array.from({ length: 3000 }, (_, i) =>
  diagnosis(1, 11, `${(i * 7919) % 100_000}`),
);
const FILES: Readonly<Record<string, Buffer>> = Object.fromEntries([
  ...Object.entries(
    mimic4Files({
      "hosp/patients": [patient(1)],
      "hosp/admissions": [admission(1, 11)],
      "hosp/diagnoses_icd": DIAGNOSES,
    }),
  ).map(([name, text]) => [`${name}.csv.gz`, gzipSync(text)] as const),
  ["LICENSE.txt", Buffer.from("ODbL\n")],
  ["icu/chartevents.csv.gz", Buffer.from("not read, not fetched")],
]);
const BIG = "hosp/diagnoses_icd.csv.gz";
const SUMS = Object.entries(FILES)
  .map(([name, bytes]) => `${sha256(bytes)} ${name}\n`)
  .join("");

interface Behaviour {
  /** Bytes after which each answer for the big file breaks off. */
  readonly cut?: number;
  /** Bytes of the big file that the client has. */
  readonly arrived?: () => number;
  readonly ranges?: boolean;
  readonly serve?: (name: string, bytes: Buffer) => Buffer;
  readonly sums?: string;
  readonly status?: number;
}

interface Server {
  readonly url: string;
  /** `path range` of each request. */
  readonly log: string[];
}

async function serve(t: Test, behaviour: Behaviour = {}): Promise<Server> {
  const log: string[] = [];
  const server = createServer((request, response) => answer(request, response, behaviour, log));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/demo/`, log };
}

function firstByte(request: IncomingMessage): number {
  return Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
}

function answer(request: IncomingMessage, response: ServerResponse, b: Behaviour, log: string[]) {
  const name = (request.url ?? "").replace("/demo/", "");
  log.push(`${name} ${request.headers.range ?? "all"}`);
  const known = name === "SHA256SUMS.txt" ? Buffer.from(b.sums ?? SUMS) : FILES[name];
  if (b.status !== undefined || known === undefined) {
    response.writeHead(b.status ?? 404).end();
    return;
  }
  send(request, response, b, name, b.serve?.(name, known) ?? known);
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  b: Behaviour,
  name: string,
  bytes: Buffer,
) {
  const from = firstByte(request);
  if (from >= bytes.length && from > 0) {
    response.writeHead(416).end();
    return;
  }
  const start = b.ranges === false ? 0 : from;
  const rest = bytes.subarray(start);
  response.writeHead(start > 0 ? 206 : 200, {
    "content-length": rest.length,
    ...(start > 0 ? { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
  });
  if (name !== BIG || b.cut === undefined || rest.length <= b.cut) response.end(rest);
  else {
    const until = start + b.cut;
    response.write(rest.subarray(0, b.cut));
    const timer = setInterval(() => {
      if ((b.arrived?.() ?? 0) < until) return; // the client has seen all of it
      clearInterval(timer);
      response.destroy();
    }, 2);
  }
}

type Progress = (file: string, bytes: number) => void;

const get = (
  t: Test,
  { url }: Server,
  out = join(t.testdirName, "out"),
  progress: Progress = () => {},
) => fetchDemo({ url, out, definition: datasets.get("mimic4"), progress });

async function fails(promise: Promise<unknown>): Promise<BenchError> {
  const error = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  if (error instanceof BenchError) return error;
  throw new Error(`not refused: ${String(error)}`);
}

t.test("what the loader reads is fetched, checked, and not fetched again", async (t) => {
  const out = join(t.testdir({}), "out");
  const server = await serve(t);
  const { fetched, kept } = await get(t, server, out);
  const read = Object.keys(FILES).filter((name) => !name.includes("chartevents"));
  t.same([...fetched].sort(), [...read].sort());
  t.same(kept, []);
  for (const name of read)
    t.ok(readFileSync(join(out, name)).equals(FILES[name] ?? Buffer.alloc(0)), name);
  t.equal(readFileSync(join(out, "SHA256SUMS.txt"), "utf8"), SUMS);
  t.equal((await get(t, server, out)).kept.length, read.length);
  t.equal(server.log.filter((line) => !line.startsWith("SHA256SUMS")).length, read.length, "once");

  writeFileSync(join(out, "LICENSE.txt"), "changed");
  t.same(
    (await get(t, server, out)).fetched,
    ["LICENSE.txt"],
    "a file that was changed is fetched again",
  );
});

t.test(
  "a download that breaks off goes on where it ended, in this call and in the next",
  async (t) => {
    const size = FILES[BIG]?.length ?? 0;
    const cut = Math.ceil(size / 6);
    const out = join(t.testdir({}), "out");
    let arrived = 0;
    const breaking = await serve(t, { cut, arrived: () => arrived });
    const count: Progress = (file, bytes) => {
      if (file === BIG) arrived = bytes;
    };
    const error = await fails(get(t, breaking, out, count));
    t.match(error, { message: /broke off after \d+ bytes/, fix: /goes on from there/ });
    const part = readFileSync(join(out, `${BIG}.part`));
    t.equal(part.length, 4 * cut, `${part.length} of ${size}`);
    t.ok(part.equals((FILES[BIG] ?? part).subarray(0, part.length)), "and what is there is right");
    t.notOk(existsSync(join(out, BIG)));

    const sound = await serve(t);
    await get(t, sound, out);
    t.ok(sound.log.includes(`${BIG} bytes=${part.length}-`), sound.log.join(", "));
    t.ok(readFileSync(join(out, BIG)).equals(FILES[BIG] ?? part));
    t.same(
      readdirSync(join(out, "hosp")).filter((name) => name.endsWith(".part")),
      [],
    );
  },
);

t.test("a server without ranges, a part of another file, and a part that is whole", async (t) => {
  const whole = FILES[BIG] ?? Buffer.alloc(0);
  for (const [name, part, ranges] of [
    ["no ranges", whole.subarray(0, 500), false],
    ["too long", Buffer.concat([whole, whole]), true],
    ["whole", whole, true],
  ] as const) {
    const out = join(t.testdir({}), "out");
    mkdirSync(join(out, "hosp"), { recursive: true });
    writeFileSync(join(out, `${BIG}.part`), part);
    const server = await serve(t, { ranges });
    await get(t, server, out);
    t.ok(readFileSync(join(out, BIG)).equals(whole), name);
    const asked = server.log.filter((line) => line.startsWith(BIG)).length;
    t.equal(asked, { "no ranges": 1, "too long": 2, whole: 0 }[name], name);
  }
});

t.test("one wrong byte is found, and nothing of it stays", async (t) => {
  const out = join(t.testdir({}), "out");
  const flip = (name: string, bytes: Buffer) => {
    if (name !== BIG) return bytes;
    const copy = Buffer.from(bytes);
    copy[1000] = (copy[1000] ?? 0) ^ 1;
    return copy;
  };
  const error = await fails(get(t, await serve(t, { serve: flip }), out));
  t.match(error, { message: /diagnoses_icd.*another checksum/, fix: /run the same command again/ });
  t.notOk(existsSync(join(out, BIG)));
  t.notOk(existsSync(join(out, `${BIG}.part`)));
  // A part that was wrong from the start is thrown away in the same way, and the next call mends it.
  writeFileSync(join(out, `${BIG}.part`), "wrong");
  await fails(get(t, await serve(t), out));
  await get(t, await serve(t), out);
  t.ok(existsSync(join(out, BIG)));
});

t.test("no network, no such release, another release, a list that leaves the folder", async (t) => {
  const out = join(t.testdir({}), "out");
  const nobody = { url: "http://127.0.0.1:9/demo/", log: [] };
  t.match(await fails(get(t, nobody, out)), {
    message: /127\.0\.0\.1:9 cannot be reached/,
    fix: /check the network .*--root/,
  });
  t.match(await fails(get(t, await serve(t, { status: 404 }), out)), { message: /answered 404/ });
  t.match(await fails(get(t, await serve(t, { status: 503 }), out)), { fix: /try again later/ });
  const sums = SUMS.replace("hosp/admissions", "core/admissions");
  t.match(await fails(get(t, await serve(t, { sums }), out)), {
    message: /does not list hosp\/admissions/,
  });
  for (const path of ["../x", "/etc/x", "a/../../x", "C:\\x"]) {
    const evil = `${SUMS}${"0".repeat(64)} ${path}\n`;
    t.match(
      await fails(get(t, await serve(t, { sums: evil }), out)),
      { message: /no list of checksums/ },
      path,
    );
  }
  t.notOk(existsSync(out), "nothing was written");
});

t.test("an abort ends a download", async (t) => {
  const stop = new AbortController();
  const { url } = await serve(t);
  const promise = fetchDemo({
    url,
    out: join(t.testdir({}), "out"),
    definition: datasets.get("mimic4"),
    signal: stop.signal,
    progress: () => stop.abort(new Error("stopped")),
  });
  await t.rejects(promise, /stopped/);
});

t.test("the ingest compares files with the published sums where they lie there", async (t) => {
  const out = join(t.testdir({}), "out");
  await get(t, await serve(t), out);
  (await storeOf("mimic4", out)).close();
  const changed = mimic4Files({ "hosp/patients": [patient(1, { anchor_age: 51 })] })[
    "hosp/patients"
  ];
  writeFileSync(join(out, "hosp", "patients.csv.gz"), gzipSync(changed ?? ""));
  const error = await fails(storeOf("mimic4", out));
  t.match(error, { message: /not the one that was published/, where: /patients\.csv\.gz/ });
});

t.test("the command", async (t) => {
  const out = join(t.testdir({}), "out");
  const { url } = await serve(t);
  const { code, stdout } = await callCli([
    "fetch",
    "mimic4-demo",
    "--out",
    out,
    "--base-url",
    url,
    "--json",
  ]);
  t.equal(code, 0);
  t.match(JSON.parse(stdout), { demo: "mimic4-demo", folder: out, licence: "ODbL 1.0" });
  for (const { url: official } of Object.values(DEMOS))
    t.match(official, /^https:\/\/physionet\.org\/files\/.*\/$/);
});
