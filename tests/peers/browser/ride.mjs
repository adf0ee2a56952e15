// Rides in headless Chromium: clicks through whole dances and looks at what a browser keeps of them.
//
//   node ride.mjs whole <app> <entry> <second-entry> [user]     sign in, connect a second entry, disconnect, say no
//   node ride.mjs posted <app> <entry> <second-entry> [unscripted]   the same by form_post, also where no script runs
//   node ride.mjs elsewhere <app> <begin-url> [user]             begin at another loopback name than the app's
//   node ride.mjs documented <app> <entry> <second-entry> <user> <text> <text>   a documented example, see documented.mjs
//   node ride.mjs flash <app> <entry> <user>                     messages after a denial and a sign-in
//   node ride.mjs neighbours <app> <other-app> <entry>           two apps on one host, each below its own path
//   node ride.mjs planted <app> <port> <entry> <second-entry>    a sibling domain plants cookies; the app listens on <port>
//   node ride.mjs pages <app> <entry> <second-entry> <user>      every page, see pages_ride.mjs
//   node ride.mjs spa <app> <user>                               the single-page app, see spa.mjs
//
//   <app> is the app's base_url. SHOTS=folder keeps a screenshot of every page, CHROMIUM=path names the browser.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { documented as documentedRide } from './documented.mjs';
import { flash as flashRide } from './flash.mjs';
import { pagesRide } from './pages_ride.mjs';
import { planted as plantedRide } from './planted.mjs';
import { spa as spaRide } from './spa.mjs';

const [what, app, ...rest] = process.argv.slice(2);
const rides = { whole, posted, elsewhere, planted, documented, flash, neighbours, pages, spa };
// The path of the app, which its proxy strips; mostly empty.
const below = new URL(app).pathname.replace(/\/$/, '');
const appUrl = (path) => new URL(below + path, app).href;
let shots = 0;

async function shot(page, name) {
  console.log(`${name}: ${page.url().split('?')[0]}`);
  if (!process.env.SHOTS) return;
  mkdirSync(process.env.SHOTS, { recursive: true });
  shots += 1;
  await page.screenshot({ path: join(process.env.SHOTS, `${String(shots).padStart(2, '0')}-${name}.png`), fullPage: true });
}

const at = (page, origin) => new URL(page.url()).origin === new URL(origin).origin;

async function click(page, selector) {
  const target = page.locator(selector).first();
  assert.ok(await target.count(), `${page.url()} has nothing to click at ${selector}:\n${await page.content()}`);
  // Where a policy of the page forbids the way on, nothing is navigated and this times out.
  await Promise.all([page.waitForNavigation({ waitUntil: 'domcontentloaded', timeout: 15000 }), target.click()]);
}

// The button or link of an entry, whichever the page uses.
const entryButton = (name) =>
  `form[action="${below}/login/${name}"] button, a[href="${below}/login/${name}"], a[href^="${below}/login/${name}?"]`;

// Through the provider's pages, back to the app.
async function consent(page, user, label, deny = false) {
  for (let step = 0; step < 6 && !at(page, app); step += 1) {
    const name = page.locator('input[name=login]');
    const signsIn = (await name.count()) > 0;
    await shot(page, `${label}-provider-${signsIn ? 'sign-in' : 'consent'}`);
    if (signsIn) {
      await name.fill(user);
      await page.locator('input[name=password]').fill('any');
    }
    await click(page, deny && !signsIn ? 'a[href$="/abort"]' : 'form button[type=submit]');
  }
  assert.ok(at(page, app), `the provider doesn't let go: ${page.url()}`);
}

async function json(page, path) {
  const answer = await page.context().request.get(appUrl(path), { headers: { accept: 'application/json' } });
  return { status: answer.status(), body: await answer.json() };
}

const cookies = async (page) => (await page.context().cookies()).filter((cookie) => cookie.domain === new URL(app).hostname);

// What a flow may leave in the browser while it is under way, and nothing of it afterwards.
function checkFlowCookies(flow) {
  assert.equal(flow.length, 1, `one flow, one cookie: ${flow.map((cookie) => cookie.name)}`);
  checkFlags(flow[0]);
  assert.ok(flow[0].expires > 0 && flow[0].expires < Date.now() / 1000 + 3600, 'a flow is short-lived');
}

function checkFlags(cookie) {
  const https = new URL(app).protocol === 'https:';
  assert.equal(cookie.httpOnly, true, `${cookie.name} is HttpOnly`);
  assert.equal(cookie.sameSite, 'Lax', `${cookie.name} is Lax`);
  assert.equal(cookie.path, below || '/', `${cookie.name} is for the app's path`);
  assert.equal(cookie.secure, https, `${cookie.name} is Secure exactly with https`);
  const prefix = below ? '__Secure-' : '__Host-';
  assert.equal(cookie.name.startsWith(prefix), https, `${cookie.name} is named for the scheme`);
}

async function whole(entry, second, user = 'chris') {
  const page = await newPage();
  await page.goto(appUrl('/'));
  await shot(page, 'home');
  assert.equal((await json(page, '/me')).body.user, null);

  await page.goto(appUrl('/login'));
  await shot(page, 'sign-in');
  const before = (await cookies(page)).map((cookie) => cookie.name);
  await click(page, entryButton(entry));
  const flow = (await cookies(page)).filter((cookie) => !before.includes(cookie.name));
  checkFlowCookies(flow);
  await consent(page, user, 'first');
  await shot(page, 'signed-in');

  const kept = await cookies(page);
  assert.ok(!kept.some((cookie) => cookie.name === flow[0].name), 'the flow has left no cookie');
  assert.ok(kept.length > 0, 'a session');
  kept.forEach(checkFlags);
  const me = await json(page, '/me');
  assert.deepEqual(me.body.accounts.map((account) => [account.provider, account.provider_user_id]), [[entry, user]]);
  assert.equal((await json(page, `/whoami/${entry}`)).body.sub, user);

  // A visit to the begin by GET connects nothing: it asks.
  await page.goto(appUrl(`/login/${second}`));
  await shot(page, 'connect');
  assert.ok(at(page, app), 'a GET connects nothing');
  await click(page, `form[action="${below}/login/${second}"] button`);
  await consent(page, user, 'second');
  await shot(page, 'connected');
  assert.equal((await json(page, '/me')).body.accounts.length, 2);
  assert.deepEqual((await cookies(page)).map((c) => c.name).sort(), kept.map((c) => c.name).sort(), 'no cookie is left over');

  await page.goto(appUrl('/login/accounts'));
  await shot(page, 'accounts');
  await click(page, `form[action="${below}/login/${entry}/disconnect"] button`);
  await shot(page, 'disconnected');
  assert.equal(new URL(page.url()).pathname, `${below}/login/accounts`);
  const refused = await json(page, `/whoami/${entry}`);
  assert.equal(refused.status, 401);
  assert.ok(refused.body.error.login_url.includes(`/login/${entry}`), JSON.stringify(refused.body));

  const [last] = await Promise.all([
    page.waitForResponse((response) => response.url() === appUrl(`/login/${second}/disconnect`)),
    click(page, `form[action="${below}/login/${second}/disconnect"] button`),
  ]);
  await shot(page, 'last-account-stays');
  assert.equal(last.status(), 409);
  assert.equal((await json(page, '/me')).body.accounts.length, 1);

  await page.goto(appUrl('/login/accounts'));
  await click(page, `form[action="${below}/login/logout"] button`);
  await shot(page, 'signed-out');
  assert.equal((await json(page, '/me')).body.user, null);

  const other = await newPage();
  await other.goto(appUrl(`/login/${entry}`));
  const refusedFlow = await cookies(other);
  checkFlowCookies(refusedFlow);
  await consent(other, 'dana', 'denied', true);
  await shot(other, 'denied');
  assert.equal((await json(other, '/me')).body.user, null);
  const after = await cookies(other);
  assert.ok(!after.some((cookie) => cookie.name === refusedFlow[0].name), 'a refused flow leaves no cookie');
}

// The callbacks that are posted, each with the page it comes from and the names of its cookies.
function callbacks(page) {
  const seen = [];
  page.on('request', (request) => {
    if (request.method() !== 'POST' || !new URL(request.url()).pathname.endsWith('/authorized')) return;
    seen.push(request.allHeaders().then((headers) => ({
      from: headers['sec-fetch-site'],
      cookies: (headers.cookie ?? '').split('; ').filter(Boolean).map((cookie) => cookie.split('=')[0]),
    })));
  });
  return { take: async () => Promise.all(seen.splice(0)) };
}

// From the provider's pages and the two forms back to where a person looks at something again.
async function posts(page, user, scripted, deny = false) {
  const asks = 'input[name=login], a[href$="/abort"]';
  const forms = 'form[action$="/authorized"]';
  for (let step = 0; step < 8; step += 1) {
    // The page of a form that posts itself may be gone at any moment.
    const settled = async () => {
      for (let tries = 0; tries < 150; tries += 1) {
        try {
          await page.waitForLoadState('domcontentloaded');
          const ours = at(page, app);
          if (!(await page.locator(forms).count())) { if (ours || await page.locator(asks).count()) return; }
          else if (!scripted) return;
        } catch (error) {
          if (!/destroyed|navigat|detached/i.test(error.message)) throw error;
        }
        await new Promise((done) => { setTimeout(done, 100); });
      }
      assert.fail(`stuck at ${page.url()}:\n${await page.content()}`);
    };
    await settled();
    if (await page.locator(forms).count()) {
      await shot(page, `${user}-form-of-${at(page, app) ? 'ours' : 'theirs'}`);
      await click(page, `${forms} button`);
      continue;
    }
    if (at(page, app)) return;
    const name = page.locator('input[name=login]');
    const signsIn = (await name.count()) > 0;
    if (signsIn) {
      await name.fill(user);
      await page.locator('input[name=password]').fill('any');
    }
    await click(page, deny && !signsIn ? 'a[href$="/abort"]' : 'form button[type=submit]');
  }
  assert.fail(`the provider doesn't let go: ${page.url()}`);
}

async function posted(entry, second, script = 'scripted') {
  const scripted = script === 'scripted';
  const user = `alice-${script}`;
  const open = async () => (await browser.newContext({ javaScriptEnabled: scripted })).newPage();
  const page = await open();
  const seen = callbacks(page);
  // The provider's post comes without any cookie of ours, and ours with all of them.
  const check = async (needed) => {
    const [theirs, ours, ...more] = await seen.take();
    assert.deepEqual(more, []);
    assert.equal(theirs.from, 'cross-site');
    assert.deepEqual(theirs.cookies, [], 'Lax cookies stay at home');
    assert.equal(ours.from, 'same-origin');
    needed.forEach((name) => assert.ok(ours.cookies.includes(name), `${name} in ${ours.cookies}`));
  };

  await page.goto(appUrl('/login'));
  const before = (await cookies(page)).map((cookie) => cookie.name);
  await click(page, entryButton(entry));
  const flow = (await cookies(page)).filter((cookie) => !before.includes(cookie.name));
  checkFlowCookies(flow);
  await posts(page, user, scripted);
  await check([flow[0].name]);
  await shot(page, 'signed-in');
  assert.equal(new URL(page.url()).pathname, `${below}/`);
  const kept = await cookies(page);
  assert.ok(kept.length > 0 && !kept.some((cookie) => cookie.name === flow[0].name), 'a session, and no flow');
  kept.forEach(checkFlags);

  await page.goto(appUrl(`/login/${second}`));
  await click(page, `form[action="${below}/login/${second}"] button`);
  await posts(page, user, scripted);
  await check(kept.map((cookie) => cookie.name));
  const me = await json(page, '/me');
  assert.deepEqual(me.body.accounts.map((a) => [a.provider, a.provider_user_id]), [[entry, user], [second, user]]);

  const other = await open();
  await other.goto(appUrl(`/login/${entry}`));
  await posts(other, `not-${user}`, scripted, true);
  await shot(other, 'denied');
  assert.equal((await json(other, '/me')).body.user, null);
  assert.deepEqual((await cookies(other)).filter((cookie) => cookie.name === flow[0].name), []);
}

async function elsewhere(begin, user = 'erin') {
  const page = await newPage();
  await page.goto(begin);
  assert.ok(!at(page, app) && !at(page, begin), `on the way to the provider, not at ${page.url()}`);
  await consent(page, user, 'elsewhere');
  await shot(page, 'signed-in');
  assert.equal((await json(page, '/me')).body.accounts[0]?.provider_user_id, user);
}

async function planted(port, entry, second) {
  await plantedRide({ app, appUrl, newContext, click, consent, entryButton, shot }, port, entry, second);
}

async function documented(...visit) {
  await documentedRide({ app, appUrl, newPage, click, consent, entryButton, shot }, ...visit);
}

async function flash(...visit) {
  await flashRide({ app, appUrl, newPage, click, consent, entryButton, shot }, ...visit);
}

async function pages(entry, second, user) {
  await pagesRide({ appUrl, newContext, click, consent, json, shot }, entry, second, user);
}

async function spa(user) {
  await spaRide({ app, appUrl, newPage, click, consent, cookies, shot }, user);
}

// One browser, signed in at two apps of one host as two users. No request to one has a cookie of the other.
async function neighbours(other, entry) {
  const page = await newPage();
  const sent = [];
  page.on('request', (request) => sent.push(request));
  const userAt = async (base) => (await (await page.context().request.get(`${base}/me`)).json()).user?.name ?? null;
  const signIn = async (base, user) => {
    await page.goto(`${base}/login`);
    await click(page, `form[action="${new URL(base).pathname}/login/${entry}"] button`);
    await consent(page, user, user);
    assert.equal(page.url(), `${base}/`);
    // The provider asks again who it is.
    await page.context().clearCookies({ domain: '127.0.0.1' });
  };
  const [here, there] = [app, other].map((base) => base.replace(/\/$/, ''));
  await signIn(here, 'alice');
  assert.equal(await userAt(there), null);
  await signIn(there, 'bob');
  assert.match(await userAt(here), /alice/);
  assert.match(await userAt(there), /bob/);
  await page.goto(`${here}/login/accounts`);
  await click(page, `form[action="${new URL(here).pathname}/login/logout"] button`);
  assert.equal(await userAt(here), null);
  assert.match(await userAt(there), /bob/);

  const kept = await cookies(page);
  for (const cookie of kept) assert.ok([here, there].includes(new URL(cookie.path, app).href), `${cookie.name} ${cookie.path}`);
  const names = { [here]: new Set(), [there]: new Set() };
  for (const request of sent) {
    const base = [here, there].find((start) => request.url().startsWith(`${start}/`));
    if (!base) continue;
    const header = (await request.allHeaders()).cookie ?? '';
    header.split('; ').filter(Boolean).forEach((cookie) => names[base].add(cookie.split('=')[0]));
  }
  assert.ok(names[here].size > 1 && names[there].size > 1, 'each app has cookies');
  assert.deepEqual([...names[here]].filter((name) => names[there].has(name)), [], 'no cookie goes to both');
}

let browser;
const newContext = (options) => browser.newContext({ ignoreHTTPSErrors: true, ...options });
const newPage = async () => (await browser.newContext()).newPage();

assert.ok(Object.hasOwn(rides, what), `${Object.keys(rides).join(', ')}, not ${what}`);
browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: [
    '--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking', '--no-proxy-server',
    // Loopback and nothing else: a page that wants more gets no answer.
    '--host-resolver-rules=MAP *.example.test 127.0.0.1 , MAP * ~NOTFOUND , EXCLUDE localhost, EXCLUDE 127.0.0.1',
  ],
});
try {
  await rides[what](...rest);
  console.log('rode well');
} finally {
  await browser.close();
}
