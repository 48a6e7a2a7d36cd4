/** Finds the country of an address. Must not throw; returns undefined if it does not know. */
export interface GeoResolver {
  /** ISO 3166-1 alpha-2. */
  country(ip: string): string | undefined;
}

/** Finds no country: the default, and an explicit "off". */
export const nullGeo: GeoResolver = { country: () => undefined };
