/** A server whose viewers pay in advance: its file of passes, and nothing else, outlives it. `node passes-server.mjs FOLDER SAVE_EVERY_MS` */
import express from 'express';
import { createTracker } from '@stream-sessions/core';
import { trackPlayback } from '@stream-sessions/express-middleware';
import { openPassFile, passBook, passPolicy } from '@stream-sessions/passes';

const [folder, saveEveryMs] = process.argv.slice(2);
const book = passBook({ store: await openPassFile(`${folder}/passes.jsonl`), saveEveryMs: Number(saveEveryMs) });
const tracker = createTracker({ policies: [passPolicy(book)] });
const app = express().use('/live', trackPlayback(tracker), (req, res) => res.type('ts').send(Buffer.alloc(10_000)));
const server = app.listen(0, '127.0.0.1', () => process.send(server.address().port));
