import { byId } from './dom.js';

let hiding;

/** Says what became of something that was asked for, above everything else on the page. What failed stays longer. */
export function tell(text, failed = false) {
  const outcome = byId('outcome');
  outcome.textContent = text;
  outcome.dataset.is = failed ? 'failed' : 'done';
  outcome.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => (outcome.hidden = true), failed ? 20_000 : 5_000);
}
