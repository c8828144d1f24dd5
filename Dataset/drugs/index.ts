/** Drugs as ATC codes: what other folders may use. */
export {
  createDrugMapper,
  type DrugMapper,
  type DrugMapperOptions,
  type DrugOrder,
  type MappedDrug,
} from "./mapper.ts";
