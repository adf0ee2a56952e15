// Two sites of one domain, over https on one port: the app behind a proxy, and a sibling that belongs to an attacker.
import { createServer } from 'node:https';
import { request } from 'node:http';
import { readFileSync } from 'node:fs';

const pem = readFileSync(new URL('../../fixtures/localhost.pem', import.meta.url));

// Serves <app>, which browsers see at the URL `app`, from the process that listens on `port`. The sibling's page sets the
// cookies of `plants`, as they are. Returns the sibling's URL, the Cookie headers that reached the app, and `held`: as long as
// `held.callbacks` is a list, callbacks end up there and not at the app.
export async function serve(app, port, plants) {
  const url = new URL(app);
  const cookies = [];
  const held = {};
  const server = createServer({ key: pem, cert: pem }, (incoming, answer) => {
    if (incoming.headers.host !== url.host) {
      answer.setHeader('Set-Cookie', plants);
      answer.setHeader('Content-Type', 'text/html');
      answer.end('<title>A sibling</title><h1>You have won!</h1>');
      return;
    }
    if (held.callbacks && incoming.url.includes('/authorized?')) {
      held.callbacks.push(new URL(incoming.url, url).href);
      answer.end('held');
      return;
    }
    cookies.push(incoming.headers.cookie ?? '');
    const { method, headers, url: path } = incoming;
    const forwarded = request({ host: '127.0.0.1', port, method, headers, path }, (response) => {
      answer.writeHead(response.statusCode, response.rawHeaders);
      response.pipe(answer);
    });
    forwarded.on('error', () => answer.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise((done) => { server.listen(Number(url.port), '127.0.0.1', done); });
  const sibling = `https://evil.${url.hostname.split('.').slice(1).join('.')}:${url.port}/`;
  return { sibling, cookies, held, close: () => server.close() };
}
