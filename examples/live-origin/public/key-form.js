import { byId } from './dom.js';
import { api, Locked, storedKey, storeKey } from './server.js';

/** Asks for the key, and says at once whether it is one. `opened()` is called when it is. */
export function keyForm(opened) {
  const [form, input, button] = [byId('key-form'), byId('key'), byId('key-form').querySelector('button')];
  const say = (text) => {
    byId('key-error').textContent = text;
    byId('key-error').hidden = !text;
    input.setAttribute('aria-invalid', String(Boolean(text)));
  };

  async function submit() {
    const key = input.value.trim();
    button.ariaDisabled = 'true';
    say('');
    try {
      await api('GET', 'stats', key);
      storeKey(key);
      input.value = '';
      form.hidden = true;
      opened();
    } catch (error) {
      say(error instanceof Locked ? 'This is not the key. The server printed it when it started.' : error.message);
      input.select();
    } finally {
      button.ariaDisabled = 'false';
    }
  }

  form.onsubmit = (event) => {
    event.preventDefault();
    if (button.ariaDisabled !== 'true') void submit();
  };

  return {
    ask() {
      if (form.hidden && storedKey()) say('The key of this page is not the one of the server. Has it been restarted?');
      form.hidden = false;
    },
    hide: () => (form.hidden = true),
  };
}
