/**
 * A stranger's text as the value of a label: without characters that no form of metrics has a way to write. Two that differ
 * in these alone are one; whoever makes a list of labels has to put their values together.
 */
export const labelText = (text: string): string => text.replace(/(?!\n)[\p{Cc}\p{Cs}]/gu, '\ufffd');
