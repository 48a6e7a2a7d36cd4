import type { Sent } from '../journal/records.js';
import { sentence } from './sentence.js';

/** Slack's own: `<!channel>` and links begin with `<`, and marks need a word's edge to work. */
const slackText = (text: string): string =>
  spaced(text, /[*_~`]/g)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');

/** A mark that has something invisible before it is a character like any other. */
const spaced = (text: string, marks: RegExp): string => text.replace(marks, '\u200b$&');

/** Unfurling shows pages of strangers. */
export const slack = (event: Sent): object => ({
  text: sentence(event, slackText),
  mrkdwn: false,
  unfurl_links: false,
  unfurl_media: false,
});

const discordText = (text: string): string => text.replace(/[\\*_~`|>#[\]()<@:-]/g, '\\$&');

/** `parse: []`: nobody is called, whatever the text says. 4: no previews. */
export const discord = (event: Sent): object => ({
  content: sentence(event, discordText).slice(0, 2000),
  allowed_mentions: { parse: [] },
  flags: 4,
});

/** Plain text, as it is shown. */
export const ntfy = (event: Sent): string => sentence(event, (text) => text);
