import { sample, testMessages } from '../../test/fixtures/message-samples.ts';
import type { LinkId } from './link-address.ts';
import { linkMessages } from './link-messages.ts';

testMessages(
  [sample(linkMessages.fetched, { id: 'abcdefghijklmnop' as LinkId, bytes: 10, whole: 1 }, { isKnown: true })],
  [linkMessages],
  {
    'links.fetched': ['a3626964706162636465666768696a6b6c6d6e6f706562797465730a6577686f6c6501', 'a16769734b6e6f776ef5'],
  },
);
