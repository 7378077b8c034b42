/** Debian's Firefox, driven by WebDriver BiDi. */
import { type Browser, firefox } from 'playwright-core';

/** No requests beyond this machine, and nothing beside the page. */
const preferences = {
  'browser.shell.checkDefaultBrowser': false,
  // The panel takes the focus from the page.
  'browser.download.alwaysOpenPanel': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'app.update.enabled': false,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'browser.safebrowsing.downloads.remote.enabled': false,
  'services.settings.server': 'data:,',
} as const;

interface Session {
  send: (method: string, parameters: unknown) => Promise<unknown>;
}

export async function launchFirefox(): Promise<Browser> {
  const browser = await firefox.launch({
    channel: 'moz-firefox',
    executablePath: '/usr/bin/firefox-esr',
    firefoxUserPrefs: preferences,
  });
  // This version does not know the command, which is sent for each page.
  const { _connection: connection } = browser as unknown as {
    _connection: { toImpl: (of: Browser) => { _browserSession: Session } };
  };
  const sessions = Object.getPrototypeOf(connection.toImpl(browser)._browserSession) as Session;
  const { send } = sessions;
  sessions.send = function (this: Session, method, parameters) {
    return method === 'emulation.setMediaFeaturesOverride' ? Promise.resolve({}) : send.call(this, method, parameters);
  };
  return browser;
}

/** A script of every page: colours as a reader chooses them in the settings, since this version is told none by its driver. */
export function withScheme(scheme: string): string {
  return `if (location.protocol.startsWith('http') && localStorage.getItem('scheme') === null) localStorage.setItem('scheme', '${scheme}')`;
}

/** An error of its own viewer of PDF, whose policy names `resource:`. */
export function isOfFirefox(message: string): boolean {
  return message.includes('“style-src resource:”') || /JS frame :: http:\S*\/bytes :: /.test(message);
}
