export const byId = (id) => document.getElementById(id);
export const clone = (id) => byId(id).content.firstElementChild.cloneNode(true);

/** Setting the same text again would make a screen reader say it again. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const MAX_TOOLTIP = 300;

/** A text of a stranger: its element cuts it off and keeps its direction to itself, see `.cut`; a tooltip has more of it. */
export function writeForeign(node, text) {
  write(node, text);
  if (node.title !== text) node.title = text.slice(0, MAX_TOOLTIP);
}

/** Keeps one element per item, in their order: rows stay themselves, and with them the focus, while their figures change. */
export function reconcile(parent, items, keyOf, make, update) {
  const rows = (parent.rows_ ??= new Map());
  const keys = new Set(items.map(keyOf));
  for (const [key, row] of rows) {
    if (keys.has(key)) continue;
    if (row.contains(document.activeElement)) parent.closest('section').querySelector('h2').focus();
    row.remove();
    rows.delete(key);
  }
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    if (!rows.has(key)) rows.set(key, make(item));
    const row = rows.get(key);
    if (row === next) next = next.nextElementSibling;
    else parent.insertBefore(row, next);
    update(row, item);
  }
}
