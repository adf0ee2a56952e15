// The library's pages at the running example app: each in several widths, colours and languages, then with the keyboard alone, with the
// back button, in ten tabs, and without cookies.
import assert from 'node:assert/strict';
import { violations } from './axe.mjs';

const VIEWS = [
  { viewport: { width: 1280, height: 800 }, colorScheme: 'light', locale: 'en-US', lang: 'en' },
  { viewport: { width: 390, height: 800 }, colorScheme: 'dark', locale: 'en-US', lang: 'en' },
  { viewport: { width: 1280, height: 800 }, colorScheme: 'dark', locale: 'ar', lang: 'ar' },
  { viewport: { width: 390, height: 800 }, colorScheme: 'light', locale: 'ar', lang: 'ar' },
];
const MAX_BYTES = 30_000;

// `entry` and `second` are among a hundred entries.
export async function pagesRide(tools, entry, second, user) {
  const { appUrl, newContext, click, consent, json, shot } = tools;
  const cookies = await signedIn();
  for (const { lang, ...view } of VIEWS) {
    const label = `${lang}-${view.viewport.width}-${view.colorScheme}`;
    const nobody = await (await newContext(view)).newPage();
    const known = await newContext(view);
    await known.addCookies(cookies);
    const ada = await known.newPage();
    await look(nobody, '/login?next=/me', 200, lang, `sign-in-${label}`);
    await look(nobody, '/login/nobody', 404, lang, `error-${label}`);
    await look(nobody, '/login/signed-out', 200, lang, `signed-out-${label}`);
    await look(ada, '/login/accounts', 200, lang, `accounts-${label}`);
    await look(ada, `/login/${second}`, 200, lang, `connect-${label}`);
    await nobody.context().close();
    await known.close();
  }
  await byKeyboard();
  await tenTabs();
  await withoutCookies();

  async function signedIn() {
    const page = await (await newContext()).newPage();
    await page.goto(appUrl(`/login/${entry}`));
    await consent(page, user, 'first');
    return page.context().cookies();
  }

  // Opens a page and checks what each page has in common.
  async function look(page, path, status, lang, label) {
    const refused = [];
    page.on('console', (message) => { if (/Content.Security.Policy/i.test(message.text())) refused.push(message.text()); });
    const response = await page.goto(appUrl(path));
    assert.equal(response.status(), status, label);
    const headers = response.headers();
    assert.equal(headers['content-language'], lang, label);
    assert.match(headers['content-security-policy'], /default-src 'none'.*frame-ancestors 'none'/);
    assert.ok((await response.body()).length <= MAX_BYTES, `${label} has ${(await response.body()).length} bytes`);
    await shot(page, label);
    const seen = await page.evaluate(() => ({
      lang: document.documentElement.lang,
      dir: getComputedStyle(document.body).direction,
      fits: document.documentElement.scrollWidth <= window.innerWidth,
      styled: getComputedStyle(document.querySelector('h1')).marginTop === '0px',
    }));
    assert.deepEqual(seen, { lang, dir: lang === 'ar' ? 'rtl' : 'ltr', fits: true, styled: true }, label);
    assert.deepEqual(await violations(page), [], label);
    assert.deepEqual(refused, [], label);
  }

  // Presses Tab until the button of the form is focused, which must be visible, then Enter.
  async function press(page, action) {
    for (let tabs = 0; tabs < 150; tabs += 1) {
      await page.keyboard.press('Tab');
      const focused = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return { action: document.activeElement.closest('form')?.getAttribute('action'), outline: `${outlineStyle} ${outlineWidth}` };
      });
      if (focused.action !== action) continue;
      assert.equal(focused.outline, 'solid 3px', 'the focus is visible');
      await Promise.all([page.waitForNavigation({ waitUntil: 'domcontentloaded' }), page.keyboard.press('Enter')]);
      return;
    }
    assert.fail(`no Tab leads to ${action}`);
  }

  async function byKeyboard() {
    const page = await (await newContext()).newPage();
    const accounts = async () => (await json(page, '/me')).body.accounts.length;
    await page.goto(appUrl('/login'));
    await press(page, `/login/${entry}`);
    await consent(page, user, 'keyboard');
    await page.goto(appUrl(`/login/${second}`));
    await press(page, `/login/${second}`);
    await consent(page, user, 'keyboard-second');
    assert.equal(await accounts(), 2);
    await page.goto(appUrl('/login/accounts'));
    await press(page, `/login/${entry}/disconnect`);
    assert.equal(await accounts(), 1);
    // Back and forth: the page is loaded again, and does not show the account that is gone.
    await page.goBack();
    await page.goForward();
    assert.equal(await page.locator(`form[action="/login/${entry}/disconnect"]`).count(), 0);
    await press(page, '/login/logout');
    assert.equal((await json(page, '/me')).body.user, null);
    await page.goBack();
    assert.ok(!(await page.content()).includes(`${user}@example.test`), 'nothing of the user is left after signing out');
  }

  // Ten tabs that begin before the first one ends. The last ends first.
  async function tenTabs() {
    const context = await newContext();
    const tabs = [];
    for (let tab = 0; tab < 10; tab += 1) {
      const page = await context.newPage();
      await page.goto(appUrl(`/login/${entry}?next=/me%3Ftab=${tab}`));
      tabs.push(page);
    }
    for (const [tab, page] of [...tabs.entries()].reverse()) {
      await consent(page, user, `tab-${tab}`);
      assert.equal(page.url(), appUrl(`/me?tab=${tab}`), 'each tab ends where it began');
    }
    assert.equal((await json(tabs[0], '/me')).body.accounts.length, 1);
  }

  // A browser that keeps no cookie: the callback can't be trusted, and the page says so.
  async function withoutCookies() {
    const page = await (await newContext()).newPage();
    await page.goto(appUrl(`/login/${entry}`));
    await page.context().clearCookies({ domain: 'localhost' });
    await consent(page, user, 'no-cookies');
    await shot(page, 'no-cookies');
    assert.match(await page.locator('main').innerText(), /callback_not_trusted/);
    assert.deepEqual(await violations(page), []);
    await click(page, 'main a.button');
    assert.equal(new URL(page.url()).pathname, '/login');
  }
}
