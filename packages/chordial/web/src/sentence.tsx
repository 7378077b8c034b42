/** What the peer says, in the language of the reader where that is known. */

import type { PeerEvent } from './live.ts';
import { visible } from './shown.ts';
import { ownWords } from './strings/text.ts';

interface Props extends Pick<PeerEvent, 'text' | 'code' | 'values'> {
  readonly shortened?: (told: string) => string;
}

export function Sentence({ shortened = (told) => told, ...said }: Props) {
  const own = ownWords(said);
  const told = visible(own ?? said.text);
  const short = shortened(told);
  return (
    <span lang={own === null ? 'en' : undefined} title={short === told ? undefined : told}>
      {short}
    </span>
  );
}
