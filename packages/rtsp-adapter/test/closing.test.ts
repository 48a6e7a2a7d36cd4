import { createRtspServer } from '../src/index.js';
import { CallbackAuthorizer } from '../src/client/callback-authorizer.js';

it('close() while listen() is pending leaves nothing listening', async () => {
  const server = createRtspServer();
  const listening = server.listen(0, 'localhost');
  const failed = expect(listening).rejects.toThrow('closed before it listened');
  await server.close();
  await failed;
  expect(server.address()).toBeNull();
});

it('authorize may answer with a promise of another library', async () => {
  const thenable = { then: (done: (verdict: boolean) => void) => done(true) };
  const authorizer = new CallbackAuthorizer((() => thenable) as never, 0, undefined);
  const client = { counters: () => ({ sent: () => 0 }), destroy: () => undefined };
  const authorization = authorizer.authorize(client, {} as never);
  expect(await authorization.answer).toEqual({ admitted: true });
  authorization.close();
});
