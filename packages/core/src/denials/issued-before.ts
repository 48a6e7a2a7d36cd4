/** Policies have not said yet when it was issued: they are asked first. */
export const NOT_SAID_YET = Infinity;

const secondOf = (ms: number): number => Math.floor(ms / 1000);

/** Times of issue are whole seconds, and the second itself is refused: nobody knows what came first in it. */
export const isIssuedBy = (issuedAt: number | undefined, issuedBefore: number): boolean =>
  issuedAt === undefined || secondOf(issuedAt) <= secondOf(issuedBefore);
