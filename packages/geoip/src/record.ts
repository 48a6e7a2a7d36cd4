/** CLDR's code for "unknown region", which some vendors write where others have no record. */
const UNKNOWN = 'ZZ';

/**
 * The country that a record names: `country.iso_code` in the databases of MaxMind and DB-IP, `country_code` in many others
 * (IPinfo Lite), `country` in some (IPinfo). The country where the address is registered is not necessarily where the viewer is,
 * so it is not used instead.
 */
export function countryOf(record: unknown): string | undefined {
  const { country, country_code: flat } = fieldsOf(record);
  return codeOf(fieldsOf(country).iso_code) ?? codeOf(flat) ?? codeOf(country);
}

/** In upper case; undefined if it is not a code, such as the name of a country. */
function codeOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^[a-z]{2}$/i.test(value)) return undefined;
  const code = value.toUpperCase();
  return code === UNKNOWN ? undefined : code;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
