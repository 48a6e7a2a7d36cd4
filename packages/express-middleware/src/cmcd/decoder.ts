/** What `decodeCmcd` of @svta/cml-cmcd makes of a text; throws when it is no CMCD. */
export type CmcdDecoder = (text: string) => Readonly<Record<string, unknown>>;

let decoder: CmcdDecoder | undefined;
let loading: Promise<void> | undefined;

/** Loads the library, once; it is an ES module, which Node 20 can only import. */
export function loadCmcdDecoder(): Promise<void> {
  return (loading ??= import('@svta/cml-cmcd').then(({ decodeCmcd }) => {
    decoder = (text) => decodeCmcd(text);
  }));
}

/** Undefined in the first moments of a process. */
export const cmcdDecoder = (): CmcdDecoder | undefined => decoder;
