/** The secret of a request: `Bearer TOKEN`, or `Basic` with the token as its password; null for anything else. */
export function credentials(header: string): string | null {
  const [scheme = '', value = ''] = header.split(' ', 2);
  if (/^bearer$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return null;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}
