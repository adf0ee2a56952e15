// axe-core in a page that allows no script of its own.
import axe from 'axe-core';

// What axe finds against WCAG 2.2 AA and its best practices, one line each.
export async function violations(page) {
  // Not as a script of the page, which its Content-Security-Policy forbids.
  await page.evaluate(axe.source);
  const found = await page.evaluate(() => window.axe.run({
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  return found.violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}: ${node.failureSummary}`));
}
