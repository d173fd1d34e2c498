/** The site's own code may listen: `ready`, `change`, `open`, `close`. */

/** @typedef {"ready" | "change" | "open" | "close"} Name */

export function events() {
  /** @type {Record<Name, Set<(seen: object) => void>>} */
  const listeners = { ready: new Set(), change: new Set(), open: new Set(), close: new Set() };
  return {
    /** @param {Name} name @param {(seen: object) => void} then */
    on(name, then) {
      listeners[name]?.add(then);
      return () => void listeners[name]?.delete(then);
    },
    /** A listener that fails is the site's affair. @param {Name} name @param {object} seen */
    emit(name, seen) {
      for (const then of listeners[name]) {
        try {
          then(seen);
        } catch (error) {
          reportError(error);
        }
      }
    },
  };
}
