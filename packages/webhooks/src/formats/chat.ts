import type { Sent } from '../journal/records.js';
import { sentence } from './sentence.js';

/** For Slack: `<!channel>` and links begin with `<`, and marks work only at a word boundary. */
const slackText = (text: string): string =>
  spaced(text, /[*_~`]/g)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');

/** A mark preceded by an invisible character is an ordinary character. */
const spaced = (text: string, marks: RegExp): string => text.replace(marks, '\u200b$&');

/** Unfurling would show strangers' pages. */
export const slack = (event: Sent): object => ({
  text: sentence(event, slackText),
  mrkdwn: false,
  unfurl_links: false,
  unfurl_media: false,
});

const discordText = (text: string): string => text.replace(/[\\*_~`|>#[\]()<@:-]/g, '\\$&');

/** `parse: []`: nobody is mentioned, whatever the text says. 4: no previews. */
export const discord = (event: Sent): object => ({
  content: sentence(event, discordText).slice(0, 2000),
  allowed_mentions: { parse: [] },
  flags: 4,
});

/** Plain text, shown as it is. */
export const ntfy = (event: Sent): string => sentence(event, (text) => text);
