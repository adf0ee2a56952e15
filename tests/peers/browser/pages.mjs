// Every page of the library, from files: node pages.mjs <folder>
//
//   A file is called <page>.<sample>.<language>.html. Each has to be valid HTML, to pass axe (WCAG 2.2 AA) in light and dark, and to
//   fit into any width from 320 px. SHOTS=folder keeps screenshots of the first samples, CHROMIUM=path names the browser.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { HtmlValidate } from 'html-validate';
import { chromium } from 'playwright-core';
import { violations } from './axe.mjs';

const folder = resolve(process.argv[2]);
const shots = process.env.SHOTS;
const validator = new HtmlValidate({ root: true, extends: ['html-validate:standard'] });
const views = [
  { width: 1280, colorScheme: 'light', axe: true },
  { width: 390, colorScheme: 'dark', axe: true },
  { width: 320, colorScheme: 'light', axe: false },
];

async function check(page, file, { width, colorScheme, axe }) {
  await page.goto(`file://${join(folder, file)}`);
  const name = `${file.replace(/\.html$/, '')} at ${width} px, ${colorScheme}`;
  const [needed, shown] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(needed <= shown, `${name} is ${needed} px wide`);
  // One language of each direction is enough: the structure is the same.
  if (axe && /\.(en|ar)\.html$/.test(file)) assert.deepEqual(await violations(page), [], name);
  if (shots && /\.0\.(en|ar)\.html$/.test(file)) await page.screenshot({ path: join(shots, `${file.replace(/\.html$/, '')}-${width}-${colorScheme}.png`), fullPage: true });
}

const files = readdirSync(folder).filter((file) => file.endsWith('.html')).sort();
assert.ok(files.length > 10, `pages in ${folder}`);
if (shots) mkdirSync(shots, { recursive: true });
for (const file of files) {
  const { results } = await validator.validateString(readFileSync(join(folder, file), 'utf8'), file);
  const messages = results.flatMap((result) => result.messages.map((m) => `${file}:${m.line}:${m.column} ${m.ruleId}: ${m.message}`));
  assert.deepEqual(messages, [], file);
}
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking', '--host-resolver-rules=MAP * ~NOTFOUND'],
});
try {
  for (const view of views) {
    const context = await browser.newContext({ viewport: { width: view.width, height: 800 }, colorScheme: view.colorScheme });
    const page = await context.newPage();
    for (const file of files) await check(page, file, view);
    await context.close();
  }
  console.log(`${files.length} pages are in order`);
} finally {
  await browser.close();
}
