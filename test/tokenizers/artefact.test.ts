import { createHash } from "node:crypto";
import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { NpyFile, npyBytes } from "../../tokenizers/artefact/npy.ts";
import { Artefact } from "../../tokenizers/artefact/open.ts";
import { readSafetensors, safetensorsBytes } from "../../tokenizers/artefact/safetensors.ts";
import { artefactContents, CODES, MAPPED, writeMadeUp } from "../support/artefact.ts";

t.test("an .npy file is byte for byte what numpy.save writes", async (t) => {
  const text = (tuple: string, type: string) =>
    `{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }`;
  for (const [values, shape, tuple, type] of [
    [Float32Array.of(0, 1, 2, 3, 4, 5), [3, 2], "(3, 2)", "<f4"],
    [Int32Array.of(7, 8), [1, 2, 1], "(1, 2, 1)", "<i4"],
    [Float32Array.of(1.5, 2.5), [2], "(2,)", "<f4"],
    [BigInt64Array.of(-1n), [1, 1], "(1, 1)", "<i8"],
  ] as const) {
    const [head, data] = npyBytes(values, shape);
    // numpy 2: magic, 1.0, length 118, the dictionary padded with blanks to 128 bytes and a line feed.
    const wanted = `\x93NUMPY\x01\x00v\x00${text(tuple, type).padEnd(117)}\n`;
    t.equal(Buffer.from(head ?? []).toString("latin1"), wanted);
    t.equal(data?.byteLength, values.byteLength);
  }
});

t.test("rows are read from anywhere, in the types that published files have", async (t) => {
  const dir = t.testdir({});
  const path = join(dir, "a.npy");
  const write = (parts: readonly Uint8Array[]) => writeFileSync(path, Buffer.concat(parts));
  write(npyBytes(BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n), [3, 1, 2]));
  const file = NpyFile.open(path);
  t.same(file.integers(1, 2), Int32Array.of(3, 4, 5, 6));
  t.same([file.rows, file.width], [3, 2]);
  file.close();
  write(npyBytes(Float64Array.of(0.5, 1.5), [2, 1]));
  const doubles = NpyFile.open(path);
  t.same(doubles.floats(1, 1), Float32Array.of(1.5));
  t.throws(() => doubles.integers(0, 2), { name: "BenchError", message: /0.5 is not a token/ });
  doubles.close();
});

t.test("files that are no arrays are refused by name", async (t) => {
  const dir = t.testdir({ "text.npy": "hello there, this is no array at all" });
  const refused = (message: RegExp) => ({ name: "BenchError", message });
  t.throws(() => NpyFile.open(join(dir, "text.npy")), refused(/does not begin as one/));
  t.throws(() => NpyFile.open(join(dir, "none.npy")), refused(/cannot be opened/));
  const path = join(dir, "a.npy");
  const parts = npyBytes(Float32Array.of(1, 2), [2, 1]).map((part) => Buffer.from(part));
  writeFileSync(path, Buffer.concat(parts).subarray(0, -1));
  t.throws(() => NpyFile.open(path), refused(/135 bytes, 136 wanted/));
  const head = parts[0]?.toString("latin1") ?? "";
  for (const [from, to, message] of [
    ["<f4", ">f4", /elements ">f4"/],
    ["False", "True ", /Fortran/],
  ] as const) {
    const changed = Buffer.from(head.replace(from, to), "latin1");
    writeFileSync(path, Buffer.concat([changed, ...parts.slice(1)]));
    t.throws(() => NpyFile.open(path), refused(message));
  }
});

t.test("safetensors come back as they were written", async (t) => {
  const path = join(t.testdir({}), "model.safetensors");
  const tensors = new Map([
    ["b", { shape: [2, 1], values: Float32Array.of(1, 2) }],
    ["a", { shape: [], values: Float32Array.of(3) }],
  ]);
  const bytes = Buffer.concat(safetensorsBytes(tensors));
  writeFileSync(path, bytes);
  const back = await readSafetensors(path);
  t.same([...back.keys()], ["a", "b"], "in the order of their names");
  t.same(back.get("b"), tensors.get("b"));
  t.equal(Number(bytes.readBigUInt64LE(0)) % 8, 0, "data are aligned");
  writeFileSync(path, bytes.subarray(0, -1));
  await t.rejects(readSafetensors(path), { name: "BenchError" });
});

t.test("a folder gives back what was written, and only its owner can read it", async (t) => {
  const folder = await writeMadeUp(join(t.testdir({}), "tok"));
  const c = artefactContents();
  const artefact = new Artefact(folder);
  t.same(artefact.code, CODES);
  t.same(artefact.embeddings.floats(0, CODES.length), c.embeddings);
  t.same(artefact.tokens(), { ids: c.tokens?.ids, weights: c.tokens?.weights });
  t.same(artefact.codebook(), { values: c.tokens?.codebook, width: 2 });
  t.same(artefact.mapped(), MAPPED);
  t.same(artefact.descriptions(), c.description);
  t.same(artefact.report(), { codes: CODES.length });
  t.equal(artefact.neighbourhood("ICD10CM/E11").length, 2);
  t.equal(artefact.neighbourhood("ICD10CM/E1").length, 0, "whole names only");
  await artefact.verify();
  artefact.close();
  t.equal(statSync(folder).mode & 0o777, 0o700);
  for (const name of await readdir(folder))
    t.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
});

t.test("the same contents give the same bytes, and no date is in them", async (t) => {
  const dir = t.testdir({});
  const hashes = async (name: string) => {
    const folder = await writeMadeUp(join(dir, name));
    const files = (await readdir(folder)).sort();
    const all = files.map((file) => readFileSync(join(folder, file)));
    return createHash("sha256").update(Buffer.concat(all)).digest("hex");
  };
  t.equal(await hashes("a"), await hashes("b"));
  t.notMatch(readFileSync(join(dir, "a", "config.json"), "utf8"), /20\d\d-\d\d/);
  t.equal(new Artefact(join(dir, "a")).hash, new Artefact(join(dir, "b")).hash);
});

t.test("a folder that is taken is left alone, and nothing half-written stays", async (t) => {
  const dir = t.testdir({});
  const folder = await writeMadeUp(join(dir, "tok"));
  await t.rejects(writeMadeUp(folder), { name: "BenchError", message: /not empty/ });
  const twice = { code: CODES.map(() => "ICD10CM/I10") };
  await t.rejects(writeMadeUp(join(dir, "bad"), twice), /a code occurs twice/);
  const graph = (function* () {
    yield* [];
    throw new Error("the graph broke");
  })();
  await t.rejects(writeMadeUp(join(dir, "bad"), { graph }), /the graph broke/);
  t.same(await readdir(dir), ["tok"]);
});

t.test("a folder that was damaged is refused, with the file named", async (t) => {
  const dir = t.testdir({});
  const refused = (message: RegExp) => ({ name: "BenchError", message });
  const at = async (name: string) => writeMadeUp(join(dir, name));
  t.throws(() => new Artefact(dir), refused(/no config.json/));

  const cut = await at("cut");
  truncateSync(join(cut, "tokens.npy"), 200);
  t.throws(() => new Artefact(cut), refused(/200 bytes, 480 were written/));

  const gone = await at("gone");
  await rm(join(gone, "weights.npy"));
  t.throws(() => new Artefact(gone), refused(/the file is missing/));

  const changed = await at("changed");
  const bytes = readFileSync(join(changed, "embeddings.npy"));
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  writeFileSync(join(changed, "embeddings.npy"), bytes);
  const artefact = new Artefact(changed);
  await t.rejects(artefact.verify(), refused(/its content is not what was written/));
  artefact.close();

  for (const [from, to, message] of [
    ['"format_version": 1', '"format_version": 9', /format version 9/],
    ['"width": 8', '"width": "8"', /width/],
    ['"codes": 11', '"codes": 12', /11 codes, config.json says 12/],
    ["{", "", /no JSON/],
  ] as const) {
    const folder = await at(`config ${to}`.replaceAll(/\W+/g, "-"));
    const path = join(folder, "config.json");
    writeFileSync(path, readFileSync(path, "utf8").replace(from, to));
    t.throws(() => new Artefact(folder), refused(message));
  }
});
