/**
 * The version of what nodes keep in the link, and ask each other. Raise it with every change that a node of the version before would
 * misread: the two refuse to join each other.
 */
export const FORMAT = '1';
