/**
 * A stranger's text as a label value, without characters that no metrics format can represent. Texts that differ only in these
 * become equal, so callers have to merge their values.
 */
export const labelText = (text: string): string => text.replace(/(?!\n)[\p{Cc}\p{Cs}]/gu, '\ufffd');
