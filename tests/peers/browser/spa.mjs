// The single-page app: its script begins, connects, disconnects and signs out by fetch.
import assert from 'node:assert/strict';

export async function spa(tools, user) {
  const { appUrl, newPage, click, consent, cookies, shot } = tools;
  const page = await newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  const says = (id, text) => page.locator(`#${id}:has-text("${text}")`).waitFor({ timeout: 15000 });
  const accounts = async (count) => {
    await page.waitForFunction((count) => document.querySelectorAll('#accounts li').length === count, count);
  };

  await page.goto(appUrl('/'));
  await says('who', 'You are not signed in');
  await shot(page, 'signed-out');
  await click(page, 'button:has-text("Sign in with Corp")');
  await consent(page, user, 'first');
  await says('who', 'You are user number 1');
  assert.equal(page.url(), appUrl('/'));
  await accounts(1);
  await click(page, 'button:has-text("Connect Other")');
  await consent(page, user, 'second');
  await says('who', 'You are user number 1');
  await accounts(2);
  await shot(page, 'connected');

  await page.locator('#accounts li:has-text("(other)") button').click();
  await accounts(1);
  await page.locator('#accounts li button').click();
  await says('error', 'sign in');
  await shot(page, 'last-account');
  await accounts(1);

  // An older tab has an older token: its request is refused, and the page says so.
  const second = await page.context().newPage();
  await second.goto(appUrl('/'));
  await second.locator('#who:has-text("You are user number 1")').waitFor();
  await page.locator('button:has-text("Sign out")').click();
  await says('who', 'You are not signed in');
  assert.ok(!(await cookies(page)).some((cookie) => cookie.name.includes('session')), 'the session has ended');
  await second.locator('button:has-text("Connect Other")').click();
  await second.locator('#error:has-text("reload")').waitFor({ timeout: 15000 });
  await shot(second, 'older-tab');
  assert.deepEqual(faults, []);
}
