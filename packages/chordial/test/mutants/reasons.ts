/** Why surviving mutants are harmless, by file and text of the line. */
export const reasons: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'src/records/merge.ts': {
    'if (a.entry.sequence !== b.entry.sequence) return a.entry.sequence > b.entry.sequence ? a : b;':
      'equivalent: the sequences differ there',
    'return Buffer.compare(a.bytes, b.bytes) >= 0 ? a : b;': 'equivalent: entries of equal bytes are the same',
    'return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, encoded]) => encoded);':
      'equivalent: no two identities are equal',
  },
  'src/search/expression-size.ts': {
    "const [all, quoted] = /^(?:[pPx]\\{[^}]*\\}|Q(.*?)(?:\\\\E|$)|.|$)/su.exec(this.#source.slice(this.#at)) ?? [''];":
      'equivalent: something always matches, at the beginning first',
    "while (this.#at < this.#source.length && this.#source[this.#at] !== ']') {":
      'equivalent: after the end nothing is counted',
  },
  'src/search/match.ts': {
    'if (this.#line.includes(` ${word} `)) return true;': 'slower: all words are compared in any case',
    'if (this.#line.includes(` ${beginning}`)) return true;': 'slower: all words are compared in any case',
    "if (this.#line.includes(` ${words.join(' ')} `)) return true;":
      'slower: the divided words are compared in any case',
    'if (!words.every((word) => this.#line.includes(word))) return false;':
      'slower: a name that lacks a word has not all of them in order either',
  },
  'src/replication/claim-verdict.ts': {
    "if (word.kind === 'entry' && word.sequence > put.sequence) return 'drop';":
      'equivalent: only an entry has a sequence',
    "if (word.kind === 'entry' && word.sequence === put.sequence) return word.current ? 'confirm' : 'drop';":
      'equivalent: only an entry has a sequence',
  },
  'packages/ring/src/host/lookup.ts': {
    '#seeds: Contact[] = [];': 'equivalent: it begins with those given',
    'a.id === b.id ? 0 : a.id === key || (b.id !== key && between(key, a.id, b.id)) ? -1 : 1,':
      'equivalent: no identifier is listed twice',
    'if (this.#finished) return;': 'what comes late is told to none: a lookup ends once, and asks no more',
    'hedge.cancel();': 'a timer that fires late finds that another may be asked already',
    'this.#hedges.delete(hedge);': 'a timer that has fired is cancelled once more',
    'this.#hedges.add(hedge);': 'a timer that fires late finds the lookup finished',
    'for (const hedge of this.#hedges) hedge.cancel();': 'a timer that fires late finds the lookup finished',
    'this.#budget.cancel();': 'a timer that fires late finds the lookup finished',
    'if (!list.some((p) => p.id === pointer.id)) list.push(pointer);': 'a host that is listed twice is asked once',
  },
  'src/storage/storage-shares.ts': {
    'if (oldest !== undefined && this.#given.size >= maxGiversKnown) this.#given.delete(oldest);':
      'equivalent: with so many known there is an oldest',
    'return owner !== self && shareOf(owner) === null && bytes > this.#roomGiving(owner, 0);':
      'equivalent: this host has room without bounds',
  },
  'src/storage/reconcile.ts': {
    'if (size === null || size > maxBlockBytes) return null;':
      'only a file that goes between the two looks at it has no size',
  },
  'src/api/access.ts': {
    'const given = host?.toLowerCase();': 'HTTP/1.1 refuses a request without a Host before it is looked at',
    "const shown = JSON.stringify((request.headers.host ?? '').slice(0, 261));": 'how much of it a message shows',
    'const isOwnOrigin = origin === `${scheme}://${host}` || (rules.origin !== null && origin === rules.origin);':
      'equivalent: an origin is never null',
    "`The request comes from a web page of another origin (${JSON.stringify((origin ?? site ?? '').slice(0, 261))}). Only the page of this peer itself may call its API; programs send no Origin, and behind a proxy --api-origin says which one is meant.`,":
      'what of the request a message shows',
  },
  'src/replication/block-fetcher.ts': {
    'const isEnough = round >= maxRounds || (round >= 2 && haveAllAnswered && !fetching.isUnknown);':
      'one pause more before the end',
    'if (isAnyNew(sharing, before) && round < maxRounds) continue;': 'equivalent: the loop ends with the last round',
    '...responsiveFirst(receivers.slice(this.#replicas)),': 'equivalent: a source that is listed twice is asked once',
    'const receivers = this.#liveOf(sharers).filter((receiver) => !receiver.avoided);':
      'a host that is left out refuses by itself',
    'this.#wanted.abandoned = true;': 'what is not waited for any more is received in vain',
    'if (bytes === null) this.absent.add(source);': 'equivalent: where there are bytes none asks who lacks them',
    'if (bytes === null) return (await shared?.read(cid, leaves)) ?? null;':
      'what it throws is caught: the block comes from elsewhere',
    'damaged?.(cid);': 'what it throws is caught: the block comes from elsewhere',
    "report?.('wrong-bytes', view.self, `The own copy of block ${cid} is damaged.`);":
      'what it throws is caught: the block comes from elsewhere',
    'if (now - pace.at >= paceMilliseconds) {': 'only in the very millisecond',
    'if (source.receivedBytes - pace.bytes < minPaceBytes && !source.wasHeldBackSince(pace.at)) {':
      'only with exactly so many bytes',
  },
  'src/replication/excess-replicas.ts': {
    'if (isAll) this.#waiting.clear();': 'what waits is examined once more with what arrived',
    'cached.set === set && cached.bytes > 0 ? (index.find(set, cached.key) ?? []) : [],':
      'equivalent: what is cached is in the index of its set alone',
    'const bytes = index.findCached(set, item.key)?.bytes ?? 0;': 'equivalent: it was found there just before',
    'if (open.length > 0) yield [set, open.flatMap((key) => index.find(set, key) ?? [])];': 'saves a look at nothing',
    'if (this.#isEverythingDue) return;': 'saves noting what is examined with everything else',
    'if (!keys.has(key)) this.#dueCount += 1;': 'everything is examined somewhat earlier',
    'this.#forgetDue();': 'memory until the next look',
    'if (keys.size < maxDue) keys.add(key);': 'a bound of memory beyond what a test can fill quickly',
    "proved.filter(({ fate }) => fate === 'cache'),": 'equivalent: what was dropped is in no index',
    'const isOfMore = copiesOfSet(set, replicas) > replicas;':
      'equivalent: an item of r copies has no place beyond the first r',
    'const answer = answers.get(host.host)?.get(item.key);': 'equivalent: every place was asked',
    'const given = item.places.map(({ host }) => answers.get(host)?.get(item.key));':
      'equivalent: every place was asked',
    'const challenges = given.flatMap((answer) => answer?.challenge ?? []);':
      'equivalent: all have answered by then, to a challenge',
    'if (own === null || challenges.length < given.length || given.some((answer) => !answer?.proof)) return false;':
      'equivalent: all have answered by then, to a challenge',
    'if (item.cid !== null && bytes !== null && !(await verifyBlockBy(hashing, item.cid, bytes))) damaged?.(item.cid);':
      'equivalent: what is no block has no bytes there',
    'if (copiesOfSet(set, replicas) <= replicas) return;':
      'equivalent: an item of r copies has no place beyond the first r',
    "return isFar && owner !== undefined ? [{ ...item, places: [owner], fate: 'cache' } as const] : [];":
      'equivalent: where this host is among the places there is a first one',
    "const isLacked = owner !== undefined && answers.get(owner.host)?.get(key)?.held === 'absent';":
      'equivalent: every owner was asked',
    'if (isLacked && cid !== null && !signal.aborted) await this.#blocks.push(owner, cid, signal);':
      'only blocks have more than r copies; a push ends with the signal by itself',
    'const question = questions.get(host.host) ?? { host, items: [] };':
      'equivalent: what has no fate is asked of none',
    'const cached = items.filter(({ key }) => index.isCached(set, key));': 'removes what is not there',
    'if (cached.length > 0) await catalog.write(() => index.removeCached(cached.map(({ key }) => ({ set, key }))));':
      'saves an empty transaction',
    'if (fresh.length === 0) return 0;': 'saves an empty transaction',
    "return places.some(({ host }) => answers.get(host)?.get(key)?.held === 'absent');":
      'equivalent: every place was asked',
  },
  'packages/ring/src/host/failure-detector.ts': {
    'for (const [host, entry] of this.#entries) if (!hosts.has(host)) entry.watched = null;':
      'equivalent: those that are watched are set next',
    'if (hosts.size > 0) this.#ticking ??= clock.after(timers.pingInterval * random.next(), () => this.#tick());':
      'equivalent: a tick pings none while none is watched',
    "if (entry === undefined || entry.liveness === 'left') return;":
      'a host that left once leaves again, which is told to none',
    'if (entry.liveness === liveness) return;':
      'what it is already is told to none, and none waits for one that is gone',
    'const [host] = idle.find(([each, { lastHeard }]) => lastHeard === null || this.isDown(each)) ?? idle[0] ?? [];':
      'equivalent: no host has that name',
    'if (host !== undefined) this.#entries.delete(host);': 'equivalent: no host has no name',
    'const patience = self < contact.host ? pace - timers.pingInterval / 2 : pace * patienceOfOther;':
      'equivalent: it does not watch itself',
    'if (lastHeard === null || now - lastHeard >= patience) this.#check(entry);':
      'one that was never heard, or in that very millisecond, is pinged a tick later',
    'if (!entry.checking) entry.checks++;': 'pings of one check never overlap',
    'this.#rest(entry);': 'a test that came after the measurement notices it',
    "if (result === 'alive') return this.#conclude(entry, false);": 'equivalent: it was heard just now',
    "if (result === 'refused' || (entry.lastHeard ?? -1) >= sent) return this.#conclude(entry, false);":
      'only in the millisecond of the ping, or the first of the clock',
    'if (entry.misses === 0) entry.missingSince = sent;': 'equivalent: whatever is heard sets the misses to none',
    "if (entry.liveness === 'alive') this.#turn(entry, 'suspected');": 'equivalent: it is suspected already',
    "(e) => e !== entry && e.liveness === 'alive' && e.lastHeard !== null,":
      'equivalent: the host itself is suspected by then',
    'for (let i = helpers.length - 1; i > 0; i--) {': 'equivalent: the first is swapped with itself',
    'helpers.sort((a, b) => Number(b.watched !== null) - Number(a.watched !== null));':
      'equivalent: one side of the comparison decides the order',
    'if (this.#closed || !entry.checking || entry.checks !== check) return;':
      'a check that was settled concludes once more, which changes nothing',
    'const alive = reached || (entry.lastHeard ?? -1) >= entry.missingSince;':
      'only in the millisecond of the ping, or the first of the clock',
    'entry.checking = false;': 'equivalent: it is set once more right after',
    "else if (!dead && entry.liveness === 'suspected') this.#turn(entry, 'alive');":
      'that it is what it was is told to none',
    "if (liveness === 'dead' || liveness === 'away' || liveness === 'left') this.#rest(entry);":
      'equivalent: no ping is to be sent again when it turns dead or suspected',
    "if (before !== liveness && liveness !== 'suspected') {": 'equivalent: it turns only to what it was not',
  },
  'src/storage/durable-file.ts': {
    "if (errnoOf(error) !== 'ENOENT' || above === folder) throw error;": 'the root is always there',
    'if (pastTheCache !== null && isPageAligned(bytes)) {':
      'Linux always has direct I/O to try, and refuses what is not aligned: the cache is used then',
    'if (pastTheCache === null) return null;': 'Linux always has direct I/O to try',
    "if (errnoOf(error) === 'EEXIST' && (await fs.stat(folder)).isDirectory()) return;":
      'after any other error no folder is found there either',
    'if (this.#running === running) this.#running = null;': 'equivalent: the next flush begins after this',
  },
  'src/storage/group-commit.ts': {
    'if (this.#unflushed.has(batch)) this.#broken ??= this.#explained(error);':
      'after closing nothing more is promised in any case',
    'if (this.#closed || pages === this.#walPages) return;': 'sets what is set already',
    'if (this.#unflushed.size > 0) this.#flushAtOnce();': 'flushes once more than is needed',
    'if (this.#cancelCommit !== null) return;': 'a second timer finds nothing left to commit',
    'if (wait <= 0) {': 'a timer of 1 ms in place of an immediate one',
    'this.#cancelCommit = () => clearImmediate(soon);': 'what comes late finds nothing left to commit',
    'this.#cancelCommit = () => clearTimeout(later);': 'what comes late finds nothing left to commit',
    'if (writes.length === 0) return;': 'saves an empty transaction',
    'this.#statements.release.run();': 'equivalent: the commit releases every savepoint',
    'if (!this.#database.isTransaction) throw error;': 'the next statement throws in its place, with a poorer reason',
  },
  'src/storage/claim-table.ts': {
    'if (claims.length === 0) return 0;': 'saves a query',
    'if (!this.#addOne({ block, bytes, isClaimed: sum.claims > 0 }, claim, now)) continue;':
      'saves queries for a block without claims',
    'if (added > 0) this.#keepSum(block, sum);': 'saves writing what is there',
    "const length = Number(this.#lengthOf.get(name)?.['length']);": 'equivalent: the query always has a row',
    "if (via === undefined && found['owner'] !== publisher) this.#handOn.run(publisher, put);":
      'saves writing what is there',
    "if (isClaimed && this.#isNew.get(block, put)?.['fresh'] !== 1) return false;":
      'equivalent: the query always has a row',
    'if (charged > 0) this.#charge.run(charged, put);': 'saves adding nothing',
    "const { publisher, name, sequence } = after ?? { publisher: '', name: '', sequence: -1 };":
      'equivalent: every publisher comes after an empty one',
    "return put !== undefined && this.#isNew.get(blobOf(blockKey), put as number)?.['fresh'] !== 1;":
      'equivalent: the query always has a row',
    "return Number(this.#openOf.get(blobOf(blockKey), owner)?.['count']);": 'equivalent: the query always has a row',
    'if (this.#remove.run(block, put).changes === 0 || row === undefined) return;':
      'equivalent: what is dropped was listed just before',
    "if (claim.replicas >= sum.wanted) sum.wanted = Number(this.#maxWanted.get(block)?.['wanted'] ?? 0);":
      'saves a query, which always has a row',
  },
  'src/replication/claim-owners.ts': {
    'if (known !== undefined)': 'equivalent: it was noted when it was asked',
    'for (const [host, { until }] of this.#asked) if (until <= now) this.#asked.delete(host);':
      'memory: an answer is not believed longer in any case',
  },
  'src/network/incoming-room.ts': {
    'this.#known.set(address, true);': 'equivalent: only whether it is noted counts',
    'if (known === undefined) this.#handshakes.set(address, own);': 'equivalent: it is noted as what it was',
    "return this.#at([...counts].find(([, count]) => count === most)?.[0] ?? '');":
      'equivalent: some address has the most',
    'if (waiting === undefined) return;': 'equivalent: there is another beside the newcomer',
    "const after = (tail ?? '').split(':').filter((part) => part !== '');":
      'equivalent: it changes what comes after the first four groups',
    'const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);':
      'equivalent: an address without zeros left out has eight groups',
    'const same = this.#guests.get(guest.host) ?? [];': 'equivalent: one is fewer than four',
    'if (same.length >= maxConnectionsPerHost && oldest !== undefined) this.#close(oldest);':
      'equivalent: where there are four there is an oldest',
    'if (left.length > 0) this.#guests.set(guest.host, left);': 'an empty list of a host that left stays',
    'if (guest.isBusy || (found !== null && found.lastUsed <= guest.lastUsed)) continue;':
      'of two that were used at the same moment either may go',
  },
  'src/transfer/existing-target.ts': {
    'if ((await file.stat()).size !== size) return false;':
      'saves reading a file of another size, whose content differs',
    'const built = await buildOfLeaves(leavesOf(file, path, pool), async ({ bytes }) => pool.giveBack(bytes), {':
      'more memory and a hash that is not needed',
    'wholeHash: sha256 !== null,': 'a hash that is not needed',
  },
  'src/transfer/part-file.ts': {
    'const mark = markOf(await file.stat({ bigint: true }));': 'equivalent for the inode numbers below 2^53',
    'return bytesRead === length && verifyBlock(cid, bytes);':
      'of a file that is cut meanwhile the rest of the buffer has other bytes',
    'const isEmpty = this.#end === 0 && (await file.stat()).size === 0;':
      'saves a call: a file that was written to is not empty',
    'const status = await folder.lstat(partName(base)).catch(() => null);': 'equivalent: neither has a size',
    'const status = await folder.lstat(name).catch(() => null);': 'equivalent: neither is a file',
    'if (Date.now() - Number(status.mtimeMs) > leftBehindMilliseconds) await removeMarked(folder, name, markOf(status));':
      'only in the very millisecond',
    'else await wait(lookAgainMilliseconds, undefined, signal === undefined ? {} : { signal });':
      'equivalent: no signal, whether named or not',
    'for (let from = 0; from < bytes.length; from += zeros.length) {':
      'equivalent: after the last byte there is nothing to compare',
  },
};
