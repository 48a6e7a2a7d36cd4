/** CLDR's word for "unknown region", which some makers write where others have no record. */
const UNKNOWN = 'ZZ';

/**
 * The country that a record names: `country.iso_code` in the databases of MaxMind and DB-IP, `country_code` in many others
 * (IPinfo Lite), `country` in some (IPinfo). The country where the address is registered is not where the viewer sits, so it
 * does not stand in.
 */
export function countryOf(record: unknown): string | undefined {
  const { country, country_code: flat } = fieldsOf(record);
  return codeOf(fieldsOf(country).iso_code) ?? codeOf(flat) ?? codeOf(country);
}

/** In capitals; undefined for what is no code, such as a country's name. */
function codeOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^[a-z]{2}$/i.test(value)) return undefined;
  const code = value.toUpperCase();
  return code === UNKNOWN ? undefined : code;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
