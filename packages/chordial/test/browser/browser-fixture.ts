/** A real Chromium with an empty profile, closed when the test ends. Errors of the page fail the test. */
import assert from 'node:assert/strict';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { obtainChromium } from './chromium.ts';
import { isOfFirefox, launchFirefox, withScheme } from './firefox.ts';

/** A name of this machine that is none of its loopback: pages of it by plain HTTP are in no secure context. */
export const plainHost = 'door.test';

/** Chromium has no sandbox as root; the other flags prevent requests beyond this machine. */
const flags = [
  `--host-resolver-rules=MAP ${plainHost} 127.0.0.1`,
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Doors of tests have certificates of their own, and workers of a page take no exception.
  '--ignore-certificate-errors',
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

  static async open(engine: 'chromium' | 'firefox' = 'chromium'): Promise<BrowserFixture> {
    if (engine === 'firefox') return new BrowserFixture(await launchFirefox());
    // Without a locale it saves no name that is beyond ASCII.
    const env = { ...process.env, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' };
    return new BrowserFixture(await chromium.launch({ executablePath: obtainChromium(), args: flags, env }));
  }

  async page(url: string, view: View = desktop): Promise<Page> {
    const { width, height, scheme } = view;
    const isFirefox = this.#browser.browserType().name() === 'firefox';
    const options = { viewport: { width, height }, colorScheme: scheme, ignoreHTTPSErrors: isFirefox };
    const context = await this.#browser.newContext(options);
    if (isFirefox) await context.addInitScript(withScheme(scheme));
    const page = await context.newPage();
    const { host } = new URL(url);
    page.on('pageerror', ({ message, stack }) => {
      if (!isFirefox || !isOfFirefox(message)) this.faults.push(`${message} ${stack}`);
    });
    page.on('console', (message) => {
      // Chromium's tell of refused requests as well, which tests make on purpose.
      if (isFirefox && message.type() === 'error') this.faults.push(message.text());
    });
    page.on('request', (request) => {
      const asked = new URL(request.url());
      if (
        asked.hostname !== plainHost &&
        asked.host !== host &&
        // The viewers of PDF come with the browsers.
        !['data:', 'blob:', 'chrome:', 'chrome-extension:', 'resource:'].includes(asked.protocol)
      ) {
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
  const result = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as AxeResult;
  return result.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds of CPU time. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** Milliseconds of CPU time of the longest task of the page meanwhile: a busy machine does not lengthen it. */
export async function longestTask(page: Page, act: () => Promise<unknown>): Promise<number> {
  const browser = page.context().browser();
  assert.ok(browser !== null);
  await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline'] });
  await act();
  // A task is written when it has ended, which what it told does not wait for.
  await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))');
  const trace = JSON.parse((await browser.stopTracing()).toString()) as { readonly traceEvents: readonly TraceEvent[] };
  const threadOf = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`;
  const pages = new Set(
    trace.traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map(threadOf),
  );
  const tasks = trace.traceEvents.filter((one) => one.name === 'RunTask' && pages.has(threadOf(one)));
  return Math.max(...tasks.map(({ tdur = 0 }) => tdur / 1000));
}
