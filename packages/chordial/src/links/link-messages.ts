/** What doors tell the publisher of a link; docs/wire-format.md says what it means. */
import { Message } from '../wire/message.ts';
import { bool, map, textThat, uint } from '../wire/schema.ts';
import { isLinkId } from './link-address.ts';

const linkId = textThat(isLinkId, 'is no id of a link');

export const linkMessages = {
  fetched: new Message('links.fetched', map({ id: linkId, bytes: uint, whole: uint }), map({ isKnown: bool })),
};
