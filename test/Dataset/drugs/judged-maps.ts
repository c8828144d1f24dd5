/** The openly licensed maps against which the drug table is judged, and what is known to differ. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";

const read = new Map<string, readonly Record<string, string>[]>();

/** Rows of a CSV file, gzip by extension, as records. */
export function readRows(file: string): readonly Record<string, string>[] {
  const known = read.get(file);
  if (known !== undefined) return known;
  const bytes = readFileSync(file);
  const text = file.endsWith(".gz") ? gunzipSync(bytes) : bytes;
  const rows: Record<string, string>[] = parse(text, { columns: true, bom: true });
  read.set(file, rows);
  return rows;
}

/** Key -> all values of another column. */
export function gather(
  rows: readonly Record<string, string>[],
  key: (row: Record<string, string>) => string,
  value: string,
): Map<string, string[]> {
  const map = new Map<string, string[]>();
  for (const row of rows) map.set(key(row), [...(map.get(key(row)) ?? []), row[value] ?? ""]);
  return map;
}

/** Codes of ATC editions later than the list of names, which ends in 2021. */
export const LATER_CODES: readonly string[] = [
  ..."A08AA51 A10BX16 B06AX03 S01AA32 G04BD15 J05AE30 J05AB18 L01BC58 S01LA08 L01EX23 L02BX04".split(
    " ",
  ),
  ..."N02AJ22 N02AJ23 N05AH53 N05CJ03 N06AX28 N06AX29 D11AX27 S01GX12 S01LA09".split(" "),
];

/**
 * Products whose code is right although ATC's name for it cannot be read as their ingredient: codes named
 * only "combinations" or after a class, insulins told apart by duration, and variants under the parent's code.
 */
export const NAMED_OTHERWISE: ReadonlySet<string> = new Set([
  "A04AD12 fosaprepitant", // prodrug under aprepitant
  "A06AG06 mineral oil", // "oil"
  "A07BC30 kaolin + pectin",
  "A10AB01 insulin regular",
  "A10AC01 insulin nph",
  "A10AC01 insulin lente",
  "A10AD01 insulin nph and regular",
  "A10AD04 insulin lispro protamine and lispro",
  "A10AD05 insulin aspart protamine and aspart",
  "A10AE01 insulin ultralente",
  "A10AF01 insulin inhaled",
  "A12BA30 sodium citrate + potassium citrate + citric acid",
  "B01AC30 aspirin + dipyridamole",
  "B03AC01 ferric carboxymaltose", // ferric oxide polymaltose complexes
  "B03BB51 l-methylfolate", // folic acid, combinations
  "B05BA10 amino acids + glucose",
  "B05BA10 amino acids + glucose + electrolytes",
  "B05BA10 amino acids + glucose + lipid emulsion",
  "B05CA10 neomycin + polymyxin b",
  "B05CB02 acid citrate dextrose", // sodium citrate
  "B05CB10 electrolytes",
  "B05XA31 trace elements", // electrolytes in combination with other drugs
  "C01EB16 ibuprofen lysine",
  "G02BA02 copper iud",
  "G03AD01 levonorgestrel emergency contraceptive",
  "G03CA57 esterified estrogens",
  "J01CE30 penicillin g benzathine + penicillin g procaine",
  "J01RA02 erythromycin + sulfisoxazole", // sulfonamides, combinations
  "J07AE02 cholera vaccine",
  "J07BC20 hepatitis a and b vaccine",
  "L01XX44 ziv-aflibercept",
  "L04AA18 everolimus for transplantation",
  "N01BB20 lidocaine + prilocaine",
  "N02AA02 opium alkaloids",
  "N02AJ02 dihydrocodeine + aspirin + caffeine",
  "R01AX10 sodium chloride", // "various"
  "R03AA01 racepinephrine",
  "R05DA20 promethazine + codeine",
  "R05DA20 promethazine + dextromethorphan",
  "R05DA20 promethazine + phenylephrine + codeine",
  "S01XA20 mineral oil + petrolatum",
  "S02DA30 antipyrine + benzocaine",
  "V10BX01 strontium-89",
  "V10XX04 lutetium-177 dotatate",
]);

/** ATC's name without what it says about partners and duration. */
export function bareName(atcName: string): string {
  return atcName.replace(
    /(,| and) (combinations|diuretics|thiazides|other diuretics|psycholeptics|antiinfectives|sulfonylureas|potassium-sparing).*| excl\b.*/,
    "",
  );
}

/** Names on which the judge's map is wrong or coarser, with the reason. */
export const JUDGE_IS_WRONG: readonly (readonly [name: RegExp, reason: string])[] = [
  [/^(sw|sterile water)\b/, "water is mapped to saline"],
  [/^(lr|lactated ringers|d5lr)\b/, "a mixed electrolyte solution is mapped to one of its salts"],
  [
    /^ipratropium bromide (neb|mdi)/,
    "an inhaled drug is mapped to the class of nasal preparations",
  ],
  [
    /^(multivitamin|multiple vitamins|nephrocaps)/,
    "a mixture of vitamins is mapped to another mixture",
  ],
  [/^hespan/, "a plasma expander is mapped to heparin"],
  [/^amino acids .*dextrose/, "parenteral nutrition is mapped to oral amino acids"],
  [/^potassium chl \d/, "mapped to the class of oral potassium"],
  [/^(cepacol|cepastat)/, "menthol and phenol lozenges are mapped to benzocaine for haemorrhoids"],
  [/^rituximab/, "mapped to the code of a later edition"],
  [/^ns \(irrigation/, "saline for irrigation is mapped to solvents"],
  [/^bismuth subsalicylate/, "mapped to another bismuth salt and to loperamide"],
  [/^moviprep/, "a macrogol bowel preparation is mapped to its ascorbic acid"],
  [/^bengay/, "methyl salicylate with menthol is mapped to lidocaine"],
  [/^oxymetazoline/, "a nasal spray is mapped to the skin"],
];
