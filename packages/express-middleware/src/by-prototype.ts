/**
 * Caches what `compute` derives from an object's prototype: the requests of an app share theirs, and there is usually only one
 * app.
 */
export function byPrototype<T extends object, R>(compute: (prototype: object | null) => R): (object: T) => R {
  const known = new WeakMap<object, { readonly result: R }>();
  let last: object | null = null;
  let lastResult: R;
  return (object) => {
    const prototype = Object.getPrototypeOf(object) as object | null;
    if (prototype === null) return compute(null);
    if (prototype !== last) {
      let found = known.get(prototype);
      if (found === undefined) known.set(prototype, (found = { result: compute(prototype) }));
      last = prototype;
      lastResult = found.result;
    }
    return lastResult;
  };
}
