/** All attacks by name. Each lasts some seconds, while honest peers keep working. */
import type { Attack } from './attack.ts';
import * as floods from './floods.ts';
import * as lies from './lies.ts';
import * as pushes from './pushes.ts';

export const attacks: readonly Attack[] = [
  // The baseline.
  { name: 'at peace' },
  { name: 'wrong blocks', lie: (member) => lies.wrongBlocks(member) },
  { name: 'owns every key', lie: (member, accomplices) => lies.ownsEverything(member, accomplices) },
  { name: 'points to no one', lie: (member) => lies.pointsToNoOne(member) },
  { name: 'redirects for ever', lie: (member) => lies.redirectsForEver(member) },
  { name: 'false states', lie: (member) => lies.falseStates(member) },
  { name: 'forged answers', lie: (member) => lies.forgesRecords(member) },
  { name: 'answers never end', lie: () => lies.neverEnds() },
  { name: 'answers too long', lie: () => lies.floodsAnswers() },
  { name: 'answers nonsense', lie: () => lies.answersNonsense() },
  { name: 'forged records', act: pushes.pushForgedRecords },
  { name: 'forged shares', act: pushes.pushForgedShares },
  { name: 'beyond all bounds', act: pushes.pushWithoutBound },
  { name: 'false claims', act: pushes.pushFalseClaims },
  { name: 'false news', act: pushes.pushFalseNews },
  { name: 'nonsense', act: pushes.pushNonsense },
  { name: 'nonsense in bulk', act: pushes.pushNonsenseInBulk },
  { name: 'bad bodies', act: floods.pushBadBodies },
  { name: 'bad questions', act: floods.pushBadQuestions },
  { name: 'bad frames', act: floods.floodFrames },
  { name: 'bad bulk frames', act: floods.pushBadFrames },
  { name: 'rapid resets', act: floods.resetRapidly },
  { name: 'connections', act: floods.floodConnections },
  { name: 'half a HELLO', act: floods.stallHello },
  { name: 'members by the hundred', act: floods.floodMembers },
  { name: 'streams', act: floods.floodStreams },
  { name: 'relays', act: floods.floodRelays },
  { name: 'bodies held back', act: floods.holdBodies },
  { name: 'reads nothing', act: floods.readNothing },
  { name: 'hoards exchanges', act: floods.hoardExchanges },
  { name: 'queries', act: floods.floodQueries },
];
