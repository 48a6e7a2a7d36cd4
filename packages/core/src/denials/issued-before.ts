/** Policies have not said yet when the credential was issued: they are asked first. */
export const NOT_SAID_YET = Infinity;

const secondOf = (ms: number): number => Math.floor(ms / 1000);

/** Issue times are whole seconds, and the second itself is refused, because the order within it is unknown. */
export const isIssuedBy = (issuedAt: number | undefined, issuedBefore: number): boolean =>
  issuedAt === undefined || secondOf(issuedAt) <= secondOf(issuedBefore);
