/** Decodes a text with `decodeCmcd` of @svta/cml-cmcd; throws if it is not CMCD. */
export type CmcdDecoder = (text: string) => Readonly<Record<string, unknown>>;

let decoder: CmcdDecoder | undefined;
let loading: Promise<void> | undefined;

/** Loads the library, once; it is an ES module, which Node 20 can only import. */
export function loadCmcdDecoder(): Promise<void> {
  return (loading ??= import('@svta/cml-cmcd').then(({ decodeCmcd }) => {
    decoder = (text) => decodeCmcd(text);
  }));
}

/** Undefined during the first moments of a process. */
export const cmcdDecoder = (): CmcdDecoder | undefined => decoder;
