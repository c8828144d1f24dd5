/**
 * Words that may stand in a drug's name without changing which ingredient it is: salts, forms, releases,
 * units, packages and ward jargon. Any word that is neither here nor in the table makes a name unknown.
 */

const SALTS = `
acetate acetonide acid adipate aspartate axetil benzoate besylate bisulfate bitartrate borate bromide
butyrate caproate chloride chl cilexetil citrate cypionate decanoate dihydrate dimesylate dipropionate
dipro disoproxil ditosylate enanthate ester estolate etabonate ethylsuccinate etexilate fumarate furoate
gluceptate gluconate glutamate hbr hcl hemifumarate hexacetonide hyclate hydrate hydrobromide
hydrochloride hemihydrate iodide isethionate lactate lactobionate lysine malate maleate medoxomil
meglumine mesylate mofetil mofe monohydrate monohyd mononitrate mucate na nap napsylate nitrate orotate
oxalate palmitate pamoate phos phosphate pivoxil polistirex probutate propionate propion proxetil
saccharate sod sodium stearate succ succinate sulf sulfate sulphate so4 tannate tartrate terephthalate
tosylate trihydrate trifenatate tromethamine trometamol tebutate undecanoate valerate xinafoate anhydrous
anhy base micronized hydrogen phosph dihydrochloride di suc val fum tart diolamine diol complex polysorbate polysorbat erbumine
`;

const FORMS = `
ampule ampul amp ampoule autoinjector auto bag bags bar bulk buffered bottle bouillon buccal cap caplet
caplets caps capsule capsules cartridge chew chewable chewables coated colloid compound cpd conc
concentrate concentrated cream crystals disintegrating disintegrate disk drop drops effervescent
elixir emulsion enteric enema film flexpen flextouch flexhaler foam freeze gel gelcap gelcaps granules
gum gummies gummy inhal inhalation inhalational inhaler inhaled inj injection injectable insert intensol
infusion infatab jelly kit kwikpen liq liquid liqui liposomal liposome lipid lollipop lotion lozenge
lozenges mdi micro mist mouthwash nebulized nebulization nebulizer neb nebs nebules odt oil oint ointment
ophth ophthalmic opth opht opthalmic oral orally otic pack packet packets paste pastilles patch patches
pellet pen penfill pill pills powder premix premixed prefilled preserv rinse shampoo sl softgel softgels
sol soln solostar solution spray sprinkle sprinkles stick strip sublingual supp supps suppository
suppositories susp suspension swab syringe syringes syrup tab tablet tablets tabs tincture topical
transdermal troche tts turbuhaler twisthaler vag vaginal vial vials viscous wafer wash implant mpf
diskus ellipta handihaler hfa respimat pressair aerosol actuation puff puffs respules ampuls rectal
nasal nostril eye eyes ear ears drip bolus topically ophthal syr elix aqueous aq hour irrig pad pads lot discmelt timespan sequels spansule spansules diskhaler depot lar
microspheres sureclick pak pck box starter starting continuing titration fortified transmucosal augmented aug
ultramicrosize microsize prestab onpro eff ert diaper rash inh top infatabs injector volume recombinant adsorbed aspartame dots dha
ethanolate pork porcine bovine beef ovine equine
`;

const RELEASE = `
cd cr delayed dr ec ent er extended immediate ir la long acting release releasing retard sa slow sr
sustained timed time xl xr xt modified ex regular strength maximum max extra original double single
ultra low high forte lo hr hours hrs day daily once nightly night weekly month mo old new
`;

const UNITS = `
g gm gms gram grams kg mcg mcl meq mg mgs micrograms ml mls mm mmol mol cc liter l iu unit units u
million mu percent dose doses per hour hr ppm gtt x each ea ratio mosm inch cm mgi min sec ug
`;

const JARGON = `
a adult adults allergy and antibiotic anesthesia after as at by brand name catheter ccu central childrens
clearance challenge clinical csru ctx custom cvicu cvl dc desensitization densitization densensitization
desens dialysis discharge do epidural equiv equivalent
flush for formulary free fresh from generic graded hemodialysis hd hickman home human icu im in
induction infant init insertions intermittent intubation irrigation irrigating irrigant is iv
ivpb intravenous intramuscular intradermal intrathecal intraperitoneal intraventricular latex line loading
lock lvp maintenance med meds midline mini multi neonate neonatal no non nf
not of on only onc oncology or order ordered own patient pca pediatric ped peds pf pharmacy picc piggyback
plus po port ppx pr prn preservative preservatives preop prophylaxis prophylactic protocol pt pump q
replacement research sc scale self send session sliding sq ss standard stat sterile sub subcut
study subq supplied supply supplement taper test the therapeutic therapy to treatment unflavored usp ug
use via virus w water weight with without dextrose-free sugar dye gluten flavor flavored cherry
mint lemon orange grape berry recon reconstituted ready rapid drug enfit infiltration nerve peripheral
investigational ind minibag excel viaflo glass plastic trial supplemental bid tid qid qhs qd daily hs
meals hypertonic crrt dwell withdrawal alcohol ciwa hyperkalemia initial days comfort care guidelines critical rescue gtube ng og tube both left right heart failure systemic local
`;

/** The suffixes that tell biosimilars apart. */
const BIOSIMILARS = `
aafi abbs abda anns awwb ayow bmez bvzr cbqv dkst dttb dyyb epbx jmdb pbbk pkrb pvvr qyyp sndz strf
`;

const NOISE: ReadonlySet<string> = new Set(
  [SALTS, FORMS, RELEASE, UNITS, JARGON, BIOSIMILARS].flatMap((block) => block.trim().split(/\s+/)),
);

/** Whether a word of a name may be passed over: a number or a word of the lists above. */
export function isNoise(word: string): boolean {
  return /^\d/.test(word) || NOISE.has(word);
}
