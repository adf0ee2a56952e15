// A documented example as a visitor meets it: signs in, connects a second account, signs out.
import assert from 'node:assert/strict';

// `first` and `second` are the texts of the page after `/` before and after signing in.
export async function documented(tools, entry, second, user, before, after, code) {
  const { app, appUrl, newPage, click, consent, entryButton, shot } = tools;
  const page = await newPage();
  const text = () => page.locator('body').innerText();
  const secondFactor = async () => {
    if (!page.url().includes('/second-factor')) return;
    await shot(page, 'second-factor');
    await page.locator('input[name=code]').fill(code);
    await click(page, 'form button');
  };

  await page.goto(appUrl('/'));
  await shot(page, 'home');
  // The example shows a link, or its guard leads to the sign-in at once.
  if (page.url().startsWith(app)) {
    assert.match(await text(), new RegExp(before));
    await page.goto(appUrl('/login'));
    await shot(page, 'sign-in');
    await click(page, entryButton(entry));
  }
  await consent(page, user, 'first');
  await secondFactor();
  // Without another click: the redirect from the provider's site ends on a page that knows the user.
  assert.match(await text(), new RegExp(after));
  await shot(page, 'signed-in');
  await page.reload();
  assert.match(await text(), new RegExp(after));

  if (second) {
    await page.goto(appUrl(`/login/${second}`));
    await shot(page, 'connect');
    await click(page, `form[action="/login/${second}"] button`);
    await consent(page, user, 'second');
    await secondFactor();
    assert.match(await text(), new RegExp(after));
    await page.goto(appUrl('/login/accounts'));
    await shot(page, 'accounts');
    assert.equal(await page.locator('form[action$="/disconnect"]').count(), 2, 'two accounts');
  }
  await page.goto(appUrl('/login/accounts'));
  // Without users there is no sign-out, and the browser's account is disconnected.
  const signOut = 'form[action="/login/logout"] button';
  await click(page, await page.locator(signOut).count() ? signOut : `form[action="/login/${entry}/disconnect"] button`);
  await shot(page, 'signed-out');
  await page.goto(appUrl('/'));
  if (page.url().startsWith(app)) assert.match(await text(), new RegExp(before));
}
