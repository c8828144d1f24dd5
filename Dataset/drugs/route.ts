/**
 * Where in the body a drug goes, in the few groups that ATC tells apart: from the route as ordered and
 * from words in the drug's name. No dose, no product: only the place.
 */

export const ROUTE_GROUPS = [
  "oral",
  "sublingual",
  "intravenous",
  "injection",
  "local-injection",
  "rectal",
  "enema",
  "vaginal",
  "urethral",
  "skin",
  "transdermal",
  "eye",
  "ear",
  "nasal",
  "inhaled",
  "mouth",
  "irrigation",
  "dialysis",
  "lock",
] as const;
export type RouteGroup = (typeof ROUTE_GROUPS)[number];

/** A group that has no row of its own takes the row of this one before the ingredient's default row. */
export const BROADER_GROUP: Readonly<Partial<Record<RouteGroup, RouteGroup>>> = {
  sublingual: "oral",
  enema: "rectal",
  mouth: "oral",
};

/** Routes as both MIMIC releases and common order systems write them, in lower case. */
const ROUTES: Readonly<Record<RouteGroup, readonly string[]>> = {
  oral: [
    ..."po|po/ng|ng|ng/og|og|oral|po ng|by mouth|g tube|gt|j tube|jt|peg|g/j tube|dht|per tube".split(
      "|",
    ),
    ..."enteral|oral/ng|nj|dobhoff|feeding tube".split("|"),
  ],
  sublingual: ["sl", "sublingual", "bu", "buc", "buccal"],
  intravenous: [
    ..."iv|iv drip|iv bolus|ivpca|iv push|ivp|ivpb|ivs|intravenous|iv infusion|ivf|ivi|pca|central line".split(
      "|",
    ),
    ..."pb|intraarterial|ia|io".split("|"),
  ],
  injection: [
    ..."im|sc|subcut|subq|sq|subcutaneous|intramuscular|sc pump|injection|inj|sub-q".split("|"),
  ],
  "local-injection": [
    ..."id|intradermal|ed|epidural|it|intrathecal|ij|infiltration|periphnerve|nerve block|ivt".split(
      "|",
    ),
    ..."intraarticular|intravitreal|intraventricular|ip|intraperitoneal|intrapleural|ipl|is".split(
      "|",
    ),
  ],
  rectal: ["pr", "rectal", "per rectum"],
  enema: ["enema"],
  vaginal: ["vg", "vaginal", "pv"],
  urethral: ["ur", "ureth", "urethral", "intravesical", "bladder", "ib"],
  skin: ["tp", "top", "topical", "skin", "scalp"],
  transdermal: ["td", "transdermal", "patch"],
  eye: [..."ou|od|os|both eyes|left eye|right eye|each eye|eye|ophth|ophthalmic|op".split("|")],
  ear: ["au", "ad", "as", "both ears", "left ear", "right ear", "ear", "otic"],
  nasal: ["nu", "nas", "nasal", "in", "intranasal", "each nostril", "ns", "both nostrils"],
  inhaled: ["ih", "neb", "inh", "inhalation", "inhaled", "nebulizer", "et", "aero", "aer", "mdi"],
  mouth: ["mm", "mucous membrane", "swish", "dental", "buccal mucosa", "mouth", "gargle"],
  irrigation: ["irr", "ir", "irrigation"],
  dialysis: ["dialys", "dialysis", "hd", "crrt", "replace"],
  lock: ["dwell", "lock", "cath", "intracatheter"],
};

const GROUP_OF_ROUTE: ReadonlyMap<string, RouteGroup> = new Map(
  ROUTE_GROUPS.flatMap((group) => ROUTES[group].map((route) => [route, group] as const)),
);

/** Words of a name that settle the place whatever the order's route says, strongest first. */
const SITE_WORDS: readonly (readonly [RouteGroup, RegExp])[] = [
  ["eye", /\b(ophth\w*|opth\w*|opht|eyes?|intravitreal)\b/],
  ["ear", /\b(otic|ears?)\b/],
  ["nasal", /\b(nasal|nostrils?|intranasal)\b/],
  ["vaginal", /\b(vag|vaginal)\b/],
  ["enema", /\benema\b/],
  ["rectal", /\b(rectal|supp|supps|suppository|suppositories|hemorrhoidal)\b/],
  ["lock", /\b(lock|dwell)\b/],
  ["irrigation", /\b(irrigat\w*|irrig)\b/],
  ["dialysis", /\b(crrt|hemodialysis)\b/],
  [
    "mouth",
    /\b(oral rinse|mouth ?wash|mouth rinse|lozenges?|throat|troches?|viscous|dental|gargle)\b/,
  ],
  ["transdermal", /\b(patch|patches|transdermal|tts)\b/],
  ["urethral", /\b(urojet|uro-jet|glydo|urethral|intravesical)\b/],
  [
    "inhaled",
    /\b(inhal\w*|nebs?|nebuliz\w*|mdi|hfa|diskus|respimat|ellipta|turbuhaler|flexhaler|handihaler|pressair)\b/,
  ],
  ["local-injection", /\b(intrathecal|epidural|intraventricular|intradermal|mpf)\b/],
  ["oral", /\b(oral|capsules?|caps?|odt|chewable|elixir|syrup)\b/],
];

/** Words that settle the place only where the route is not known. */
const FORM_WORDS: readonly (readonly [RouteGroup, RegExp])[] = [
  ["skin", /\b(cream|ointment|oint|lotion|topical|gel|shampoo|foam)\b/],
  ["intravenous", /\b(iv|intravenous|pca|premix|infusion)\b/],
  ["injection", /\b(im|sc|inj|injection|injectable|flexpen|kwikpen|depot)\b/],
  ["oral", /\b(tab|tabs|tablets?|liquid|po|chew|chewables|disintegrating|er|xl)\b/],
];

function firstHit(
  words: readonly (readonly [RouteGroup, RegExp])[],
  name: string,
): RouteGroup | null {
  for (const [group, pattern] of words) if (pattern.test(name)) return group;
  return null;
}

/** The group of an order's route; null when it is empty or not known. */
export function routeGroup(route: string | null): RouteGroup | null {
  if (route === null) return null;
  return GROUP_OF_ROUTE.get(route.trim().toLowerCase().replace(/\s+/g, " ")) ?? null;
}

/** The place a drug goes, from its lower-case name first, then the order's route, then the form. */
export function placeOf(name: string, group: RouteGroup | null): RouteGroup | null {
  return firstHit(SITE_WORDS, name) ?? group ?? firstHit(FORM_WORDS, name);
}
