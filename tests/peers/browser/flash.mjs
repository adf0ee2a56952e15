// A message on the app's page after the redirects from the provider's site: shown at once, and once only.
import assert from 'node:assert/strict';

export async function flash(tools, entry, user) {
  const { appUrl, newPage, click, consent, entryButton, shot } = tools;
  const page = await newPage();
  const text = () => page.locator('body').innerText();
  for (const [deny, message] of [[true, `error: Failed to log in with ${entry}.`], [false, 'success: ']]) {
    await page.goto(appUrl('/login'));
    await click(page, entryButton(entry));
    await consent(page, user, deny ? 'denied' : 'allowed', deny);
    await shot(page, deny ? 'denied' : 'signed-in');
    assert.equal((await text()).split(message).length, 2, `${message} once: ${await text()}`);
    const cookies = (await page.context().cookies()).map((cookie) => cookie.name);
    assert.ok(!cookies.includes('_flash'), 'the page has removed the cookie');
    await page.reload();
    assert.ok(!(await text()).includes(message), `a second time: ${await text()}`);
    // The provider asks again who it is.
    await page.context().clearCookies({ domain: '127.0.0.1' });
  }
}
