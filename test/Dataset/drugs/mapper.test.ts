import t, { type Test } from "tap";
import { createDrugMapper, type DrugMapper } from "../../../Dataset/drugs/index.ts";

const mapper: DrugMapper = await createDrugMapper({});

function code(name: string, route: string | null = null): string | null {
  return mapper.map({ name, ndc: null, route })?.atc ?? null;
}

type Case = readonly [name: string, route: string | null, atc: string | null];

function check(t: Test, cases: readonly Case[]): void {
  for (const [name, route, atc] of cases) t.equal(code(name, route), atc, `${name} [${route}]`);
}

t.test("case, salts, strengths, forms, releases and ward words do not matter", async (t) => {
  check(t, [
    ["Vancomycin HCl", "IV", "J01XA01"],
    ["PHENYLEPHrine", "IV DRIP", "C01CA06"],
    ["Levothyroxine Sodium", "PO", "H03AA01"],
    ["Losartan Potassium", "PO", "C09CA01"],
    ["Leucovorin Calcium", "PO", "V03AF03"],
    ["Metoprolol Succinate XL", "PO", "C07AB02"],
    ["Metoprolol Tartrate", "PO", "C07AB02"],
    ["Clopidogrel75mg", null, "B01AC04"],
    ["Aspirin 81 mg ", "PO", "B01AC06"],
    ["*NF* Ertapenem Sodium", "IV", "J01DH03"],
    ["Lorazepam Desensitization", "IV", "N05BA06"],
    ["INV-Rivaroxaban", "PO", "B01AF01"],
    ["Penicillin G Potassium 5 million units", "IV", "J01CE01"],
    ["PHENObarbital - ICU Alcohol Withdrawal (Loading Dose 1) ", "IV", "N03AA02"],
    ["0.9% Sodium Chloride (Mini Bag Plus)", "IV", "B05XA03"],
    ["Syringe (0.9% Sodium Chloride)", "IV", "B05XA03"],
  ]);
});

t.test("brands, abbreviations and names in parentheses mean the same drug", async (t) => {
  check(t, [
    ["Lipitor", "PO", "C10AA05"],
    ["HYDROmorphone (Dilaudid)", "IV", "N02AA03"],
    ["Imbruvica (ibrutinib)", "PO", "L01EL01"],
    ["Unknownbrand (ibrutinib)", "PO", "L01EL01"],
    ["Vitamin B-12", "PO", "B03BA01"],
    ["ASA", "PO", "B01AC06"],
    ["sodium bicar", "IV", "B05XA02"],
  ]);
});

t.test("the route decides where ATC tells places apart", async (t) => {
  check(t, [
    ["Vancomycin", "IV", "J01XA01"],
    ["Vancomycin", "PO", "A07AA09"],
    ["Vancomycin Oral Liquid", "IV", "A07AA09"],
    ["Vancomycin Enema", "PR", "A07AA09"],
    ["Vancomycin", "BOTH EYES", "S01AA28"],
    ["Vancomycin Antibiotic Lock", "DWELL", null],
    ["Vancomycin Intrathecal", "IV", null],
    ["Levofloxacin", "PO/NG", "J01MA12"],
    ["Levofloxacin", "OU", "S01AE05"],
    ["Potassium Chloride", "PO", "A12BA01"],
    ["Potassium Chloride", "IV", "B05XA01"],
    ["Magnesium Sulfate", "IV", "B05XA05"],
    ["Lidocaine 5% Patch", "TP", "N01BB02"],
    ["Lidocaine 5% Ointment", "TP", "D04AB01"],
    ["Lidocaine", "IV DRIP", "C01BB01"],
    ["Lidocaine 1%", "SC", "N01BB02"],
    ["MetRONIDAZOLE (FLagyl)", "IV", "J01XD01"],
    ["MetRONIDAZOLE (FLagyl)", "PO", "P01AB01"],
    ["Nystatin Oral Suspension", "PO", "A07AA02"],
    ["Nystatin Cream", "TP", "D01AA01"],
    ["Timolol Maleate 0.5%", "BOTH EYES", "S01ED01"],
    ["Timolol", "PO", "C07AA06"],
    ["Fluticasone Propionate NASAL", "NU", "R01AD08"],
    ["Fluticasone Propionate 110mcg", "IH", "R03BA05"],
    ["PrednisoLONE Acetate 1% Ophth. Susp.", "RIGHT EYE", "S01BA04"],
    ["Hydrocortisone (Rectal) 2.5% Cream", "PR", "C05AA01"],
    ["Sodium Chloride Nasal", "NU", "R01AX10"],
    ["Rhinocort (budesonide)", null, "R01AD05"],
    ["Acetylcysteine 20%", "NEB", "R05CB01"],
  ]);
});

t.test("combinations are one product, carriers give way to the drug in them", async (t) => {
  check(t, [
    ["Piperacillin-Tazobactam Na", "IV", "J01CR05"],
    ["Hydrocodone-Acetaminophen (5mg-500mg", "PO", "N02AJ22"],
    ["OxyCODONE--Acetaminophen (5mg-325mg)", "PO", "N02AJ17"],
    ["Ipratropium-Albuterol Neb", "NEB", "R03AL02"],
    ["Albuterol-Ipratropium", "IH", "R03AL02"],
    ["Sulfameth/Trimethoprim DS", "PO", "J01EE01"],
    ["Amoxicillin-Clavulanic Acid", "PO", "J01CR02"],
    ["Percocet (oxycodone-acetaminophen)", "PO", "N02AJ17"],
    ["Bacitracin/Polymyxin B Sulfate Opht. Oint", "OD", "S01AA30"],
    ["Citracal plus magnesium", "PO", "A12AX"],
    ["Potassium Chl 20 mEq / 1000 mL D5 1/2 NS", "IV", "B05XA01"],
    ["Esmolol in Saline (Iso-osm)", "IV", "C07AB09"],
    ["Amino Acids 4.25% W/ Dextrose 5%", "IV", "B05BA10"],
    ["D5 1/2NS", "IV", "B05BB02"],
    ["5% Dextrose", "IV", "B05BA03"],
    ["Dextrose 20% in Water (D20W)", "IV", "B05BA03"],
    ["Lactated Ringers", "IV", "B05BB01"],
    ["Sterile Water", "IV", "V07AB"],
    ["Sterile Diluent for Remodulin", "IV", "V07AB"],
    ["Vancomycin-Heparin Lock", "DWELL", null],
    ["Maalox/Diphenhydramine/Lidocaine", "PO", null],
  ]);
});

t.test("insulins are kept apart, and no unknown insulin becomes a known one", async (t) => {
  check(t, [
    ["Insulin", "SC", "A10AB01"],
    ["Insulin Human Regular", "IV", "A10AB01"],
    ["HumaLOG", "SC", "A10AB04"],
    ["Insulin Glargine  (CVICU Protocol)", "SC", "A10AE04"],
    ["Lantus U-100 Insulin", "SC", "A10AE04"],
    ["NPH Insulin", "SC", "A10AC01"],
    ["Insulin NPH Human Recomb", "SC", "A10AC01"],
    ["HumuLIN 70/30", "SC", "A10AD01"],
    ["insulin foo", "SC", null],
  ]);
});

t.test("names that share a word are not confused", async (t) => {
  check(t, [
    ["Heparin Flush (10 units/ml)", "IV", "B01AB01"],
    ["Vitamin D", "PO", "A11CC05"],
    ["Vitamin K", "PO", "B02BA01"],
    ["Vitamin X", "PO", null],
    ["Potassium Phosphate", "IV", "B05XA06"],
    ["Potassium", "PO", null],
    ["Sodium", "IV", null],
    ["Magnesium Oxide", "PO", "A02AA02"],
    ["Zinc Sulfate", "PO", "A12CB01"],
    ["Amphotericin B Liposome", "IV", "J02AA01"],
    ["Trastuzumab deruxtecan", "IV", "L01XC41"],
    ["trastuzumab foo", "IV", null],
    ["Hepatitis B Vaccine", "IM", "J07BC01"],
    ["Hepatitis B Immune Globulin (Nabi-HB)", "IM", "J06BB04"],
    ["Iron Dextran", "IV", "B03AC06"],
    ["Digoxin", "PO", "C01AA05"],
    ["DigiFab", "IV", "V03AB24"],
  ]);
});

t.test("what names no drug maps to nothing", async (t) => {
  for (const name of [
    "Bag",
    "Vial",
    "Soln",
    "Syringe",
    "zz",
    "",
    "Study Drug",
    "Metoprolol (Atenolol)",
  ]) {
    t.equal(code(name, "IV"), null, name);
  }
  t.equal(mapper.map({ name: null, ndc: "00338004904", route: null }), null);
  t.equal(code("Donepezil 5 mg or Placebo", "PO"), null);
});

t.test("a fragment is completed only when it can be one product", async (t) => {
  t.equal(code("atorvas"), "C10AA05");
  t.equal(code("hydro"), null);
  t.equal(code("metop"), null, "also the start of a combination");
  t.equal(code("Ny"), null);
});

t.test("a code has a readable name, with its place where there are several", async (t) => {
  t.equal(mapper.description("J01XA01"), "vancomycin");
  t.equal(mapper.description("A07AA09"), "vancomycin (oral, rectal, enema)");
  t.equal(mapper.description("J01CR05"), "piperacillin and tazobactam");
  t.equal(mapper.description("C03EA01"), "hydrochlorothiazide, combinations");
  t.equal(mapper.description("Z99ZZ99"), null);
});

t.test("the map file goes first, then the NDC map, then the name", async (t) => {
  const dir = t.testdir({
    "drugs.csv": [
      "drug,ndc,atc_code",
      "House Mix,,A11BA",
      "heparin,,B01AB51",
      ",338004904,V07AB",
      "Aspirin,00338004904,N02BA01",
    ].join("\n"),
    "ndc.csv": "ndc,atc_code\n00338004904,B05BB01\n0002-8215-01,A10AB01\n",
  });
  const own = await createDrugMapper({
    mapFile: `${dir}/drugs.csv`,
    ndcMapFile: `${dir}/ndc.csv`,
  });
  const map = (name: string, ndc: string | null) => own.map({ name, ndc, route: "IV" });
  t.same(map("house  mix ", null), { atc: "A11BA", how: "file" }, "names match whatever the case");
  t.same(map("Heparin", "0"), { atc: "B01AB51", how: "file" });
  t.same(map("Heparin Sodium", "0"), { atc: "B01AB01", how: "name" }, "the file's names are exact");
  t.same(map("NS", "338004904"), { atc: "V07AB", how: "file" }, "before the NDC map");
  t.same(map("aspirin", "338004904"), { atc: "N02BA01", how: "file" }, "name and NDC before NDC");
  t.same(map("Unknown", "00002821501"), { atc: "A10AB01", how: "ndc" });
  t.same(map("Aspirin", "0"), { atc: "B01AC06", how: "name" });
  t.equal(map("Unknown", "0"), null);
  t.not(own.version, mapper.version);
});

t.test("the version depends on the content of the maps, not on their place", async (t) => {
  const dir = t.testdir({
    a: { "m.csv": "drug,atc_code\nx,A11BA\n" },
    b: { "m.csv": "drug,atc_code\nx,A11BA\n" },
    c: { "m.csv": "drug,atc_code\nx,A11EA\n" },
  });
  const version = async (file: string) => (await createDrugMapper({ mapFile: file })).version;
  t.equal(await version(`${dir}/a/m.csv`), await version(`${dir}/b/m.csv`));
  t.not(await version(`${dir}/a/m.csv`), await version(`${dir}/c/m.csv`));
  t.equal((await createDrugMapper({})).version, mapper.version);
});
