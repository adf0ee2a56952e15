// A sibling domain plants cookies whose names are not ours, but become ours when they are decoded or trimmed.
import assert from 'node:assert/strict';
import { serve } from './sites.mjs';

// Ways to spell a name that browsers do not recognise as `__Host-…`, and that a lenient server reads as it.
const spellings = [
  (name) => name.replace('__Host-', '%5F_Host-'),
  (name) => name.replace('__Host-', '%5f%5FHost-'),
  (name) => `\u00a0${name}`,
];

export async function planted(tools, port, entry, second) {
  const { app, appUrl, newContext, click, consent, entryButton, shot } = tools;
  const plants = [];
  const { sibling, cookies, held, close } = await serve(app, port, plants);
  const ours = async (context) => (await context.cookies(app)).filter((cookie) => cookie.name.includes('rocket_dance_'));
  const whoIs = async (context) => {
    const tab = await context.newPage();
    await tab.goto(appUrl('/me'));
    const me = JSON.parse(await tab.locator('body').innerText());
    await tab.close();
    return me;
  };
  const begin = async (page, name, user) => {
    await page.goto(appUrl('/login'));
    await click(page, entryButton(name));
    await consent(page, user, user);
  };

  // The attacker: a session, and a flow of their own that only lacks its callback.
  const mallory = await newContext();
  const theirs = await mallory.newPage();
  await begin(theirs, entry, 'mallory');
  assert.equal((await whoIs(mallory)).accounts[0].provider_user_id, 'mallory');
  await theirs.goto(appUrl(`/login/${second}`));
  held.callbacks = [];
  await click(theirs, `form[action="/login/${second}"] button`);
  await consent(theirs, 'mallory', 'connect');
  const [callback] = held.callbacks.splice(0);
  delete held.callbacks;
  const stolen = await ours(mallory);
  for (const kind of ['session', 'flow', 'csrf']) assert.ok(stolen.some((cookie) => cookie.name.includes(`_${kind}_`)), kind);
  const tag = stolen.find((cookie) => cookie.name.includes('_session_')).name.split('_session_')[1];
  stolen.push({ name: `__Host-rocket_dance_pending_${tag}`, value: 'A'.repeat(43) });
  const attributes = 'Domain=example.test; Path=/; Secure';
  for (const { name, value } of stolen) {
    assert.ok(name.startsWith('__Host-'));
    plants.push(`${name}=${value}; ${attributes}`, ...spellings.map((spell) => `${spell(name)}=${value}; ${attributes}`));
  }

  // A visitor who comes from the attacker's page is not signed in, whatever the attacker's page has set.
  const victims = await newContext();
  const page = await victims.newPage();
  const lure = async () => {
    await page.goto(sibling);
    const set = (await ours(victims)).filter((cookie) => cookie.domain === '.example.test');
    assert.ok(set.length >= 2 * stolen.length, `the browser took the look-alikes: ${set.map((cookie) => cookie.name)}`);
    assert.ok(set.every((cookie) => !cookie.name.startsWith('__Host-')), 'and refused our names');
  };
  const me = async () => {
    const user = await whoIs(victims);
    assert.ok(cookies.at(-1).includes('%5F_Host-rocket_dance_session_'), 'the look-alikes reach the app');
    return user;
  };
  await lure();
  assert.equal((await me()).user, null, 'a planted session is without effect');
  const refused = await page.goto(callback);
  await shot(page, 'planted-flow');
  assert.equal(refused.status(), 400, 'a planted flow is without effect');
  assert.equal((await me()).user, null);
  assert.equal((await page.goto(appUrl('/login/confirm'))).status(), 400, 'a planted pending account is without effect');

  // A user who is signed in stays that user, connects to their own account, and signs out for good.
  await begin(page, entry, 'alice');
  await lure();
  const before = await me();
  assert.equal(before.accounts[0].provider_user_id, 'alice');
  assert.equal((await page.goto(callback)).status(), 400);
  await page.goto(appUrl(`/login/${second}`));
  await click(page, `form[action="/login/${second}"] button`);
  await consent(page, 'alice', 'connect');
  const after = await me();
  assert.deepEqual(after.user, before.user);
  assert.deepEqual(after.accounts.map((account) => account.provider_user_id), ['alice', 'alice']);
  assert.equal((await whoIs(mallory)).accounts.length, 1, 'nothing went to the attacker');
  await page.goto(appUrl('/login/accounts'));
  await shot(page, 'accounts');
  await click(page, 'form[action="/login/logout"] button');
  assert.equal((await me()).user, null, 'signed out, and not signed in as the attacker');
  await shot(page, 'signed-out');
  close();
}
