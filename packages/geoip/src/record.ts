/** CLDR's word for "unknown region", which some makers write where others have no record. */
const UNKNOWN = 'ZZ';

/**
 * The country that a record names: `country.iso_code` in MaxMind's own databases, `country_code` in many others. The country
 * where the address is registered is not where the viewer sits, so it does not stand in.
 */
export function countryOf(record: unknown): string | undefined {
  const { country, country_code: flat } = fieldsOf(record);
  const code = fieldsOf(country).iso_code ?? flat;
  if (typeof code !== 'string' || !/^[a-z]{2}$/i.test(code)) return undefined;
  const upper = code.toUpperCase();
  return upper === UNKNOWN ? undefined : upper;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
