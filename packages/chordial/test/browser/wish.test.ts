/** The order and the filters of a list in the URL. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filtersIn, searchWith, wishIn, wishQuery } from '../../web/src/wish.ts';

test('A25 what the URL says is asked of the API, and what is not understood is left out', () => {
  const wish = (search: string) => wishQuery(wishIn(new URLSearchParams(search)));
  assert.deepEqual(wish(''), { sort: 'name', descending: false });
  const { after, before, ...rest } = wish(
    'sort=size&desc=1&kind=audio,image,cat&least=1&most=2&after=2026-01-31&before=2026-02-01&publisher=Anna&zone=attic',
  );
  assert.deepEqual(rest, {
    sort: 'size',
    descending: true,
    kind: 'image,audio',
    least: 1,
    most: 2,
    publisher: 'Anna',
    zone: 'attic',
  });
  // Both days whole, where the reader is.
  assert.equal(Date.parse(before ?? '') - Date.parse(after ?? ''), 2 * 86_400_000 - 1);
  assert.deepEqual(
    wish('sort=colour&desc=yes&kind=cat&least=-1&most=1e99&after=soon&before=2026-13-01&zone='),
    wish(''),
  );
  for (const search of ['', '?q=a&show=b&sort=copies&desc=1&kind=image%2Cvideo&least=5&after=2026-01-31&zone=z'])
    assert.equal(searchWith(search, wishIn(new URLSearchParams(search))), search);
  assert.equal(filtersIn(wishIn(new URLSearchParams('least=1&most=2&kind=audio,image&zone=attic'))), 3);
});
