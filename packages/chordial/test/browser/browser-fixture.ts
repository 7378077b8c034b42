/** A real Chromium with an empty profile, closed when the test ends. Errors of the page fail the test. */
import assert from 'node:assert/strict';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { obtainChromium } from './chromium.ts';

/** Chromium has no sandbox as root; the other flags prevent requests beyond this machine. */
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface View {
  readonly width: number;
  readonly height: number;
  readonly scheme: 'light' | 'dark';
}

export const desktop: View = { width: 1280, height: 800, scheme: 'light' };
export const phone: View = { width: 390, height: 844, scheme: 'dark' };

export class BrowserFixture implements AsyncDisposable {
  readonly #browser: Browser;
  /** Errors of pages, and requests to other hosts. */
  readonly faults: string[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async open(): Promise<BrowserFixture> {
    return new BrowserFixture(await chromium.launch({ executablePath: obtainChromium(), args: flags }));
  }

  async page(url: string, view: View = desktop): Promise<Page> {
    const { width, height, scheme } = view;
    const context = await this.#browser.newContext({ viewport: { width, height }, colorScheme: scheme });
    const page = await context.newPage();
    const { host } = new URL(url);
    page.on('pageerror', (error) => this.faults.push(`${error.message} ${error.stack}`));
    page.on('request', (request) => {
      const asked = new URL(request.url());
      if (asked.host !== host && asked.protocol !== 'data:' && asked.protocol !== 'blob:') {
        this.faults.push(`a request to ${asked.host}`);
      }
    });
    await page.goto(url);
    // A link signs in before the page is shown.
    if (url.includes('#t=')) await page.locator('header.top, .sign-in').first().waitFor();
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    assert.deepEqual(this.faults, []);
  }
}

interface AxeResult {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
}

/** Accessibility violations, one per line. */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const result = (await page.evaluate('axe.run()')) as AxeResult;
  return result.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}
