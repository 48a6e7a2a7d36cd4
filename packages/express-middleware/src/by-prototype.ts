/**
 * What `compute` finds out of an object's prototype, found out once for each: the requests of an app share theirs, and
 * mostly there is one app.
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
