/** Why surviving mutants are harmless, by file and text of the line. */
export const reasons: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'src/records/merge.ts': {
    'if (a.entry.sequence !== b.entry.sequence) return a.entry.sequence > b.entry.sequence ? a : b;':
      'equivalent: the sequences differ there',
    'return Buffer.compare(a.bytes, b.bytes) >= 0 ? a : b;': 'equivalent: entries of equal bytes are the same',
    'return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, encoded]) => encoded);':
      'equivalent: no two identities are equal',
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
    'const additions: Promise<void>[] = [];': 'equivalent: what is no promise is not waited for',
    'if (cid === null || fileName(cid) !== name) return null;':
      'a file is read by the one name of its block, so under another name none is found',
    'if (!key.startsWith(shelf)) return null;': 'a file is read on the shelf of its block, so on another none is found',
    'if (size === null || size > maxBlockBytes) return null;':
      'saves reading what is no file or too large; the bytes are checked in any case',
    'return bytes !== null && verifyBlock(cid, bytes) ? { key, cid, size } : null;':
      'only a file that is cut between the two looks at it has no bytes',
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
    'return ordered.filter((lane) => !lane.avoided);': 'a host that is left out refuses by itself',
    "this.#signal?.removeEventListener('abort', interrupted);": 'an outcome stays what it was',
  },
  'src/replication/excess-replicas.ts': {
    'if (isAll) this.#waiting.clear();': 'what waits is examined once more with what arrived',
    'if (!keys.has(key)) this.#dueCount += 1;': 'everything is examined somewhat earlier',
    'if (this.#isEverythingDue) return;': 'saves noting what is examined with everything else',
    'if (cached.length > 0) await catalog.write(() => index.removeCached(cached.map(({ key }) => ({ set, key }))));':
      'saves an empty transaction',
    'if (keys.size < maxDue) keys.add(key);': 'a bound of memory beyond what a test can fill quickly',
  },
  'packages/ring/src/host/failure-detector.ts': {
    'if (!entry.checking) entry.checks++;': 'pings of one check never overlap',
    'if (!entry.checking) this.#rest(entry);': 'a timer runs in a check only',
    "if (entry === undefined || entry.liveness === 'left') return;":
      'a host that left once leaves again, which is told to none',
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
    'if (!this.#unflushed.delete(batch)) return;': 'a caller that was told once is told nothing else',
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
    'const chargeNow = (): number => (isClaimed && this.#isCharged.get(block, owner) !== undefined ? 0 : bytes);':
      'saves a query for a block without claims',
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
    'this.#bytesUntilLook -= bytes.length;': 'only after 256 MiB it looks again, more than a test can write quickly',
  },
};
