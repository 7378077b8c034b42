/** Die Sätze des Peers auf Deutsch, nach Kennung und Werten. */
import type { ErrorCode } from '../../../src/errors.ts';
import type { SentenceCode, ValuesOf } from '../../../src/sentences.ts';
import { duration, plural, rate, size, timeOfDay } from '../shown.ts';

type Sentences = { readonly [C in SentenceCode]: (values: ValuesOf<C>) => string };

const peers = (count: number): string => plural(count, 'Peer', 'Peers');
const blocks = (count: number): string => plural(count, 'Block', 'Blöcke');
const copies = (count: number): string => plural(count, 'Kopie', 'Kopien');
const hits = (count: number): string => plural(count, 'Treffer', 'Treffer');
const quoted = (name: string): string => `„${name}“`;
const searched = (query: string): string => (query.trim() === '' ? 'allem' : quoted(query));

/** Wo ein Peer ist: „12345678… von anna“; im Lehrring heißt er nach seinem Platz. */
function placed({ who, place }: ValuesOf<'predecessor'>): string {
  if (place === null) return who ?? 'dieser Peer';
  return `${place} von ${who ?? 'diesem Peer'}`;
}

function limit({ isStopped, up, down }: Omit<ValuesOf<'limited'>, 'until'>): string {
  if (isStopped) return 'Stopp, Ablegen und Holen warten';
  if (up === null && down === null) return 'keines';
  const one = (bytes: number | null): string => (bytes === null ? 'ohne Limit' : rate(bytes));
  return `${one(up)} hinauf, ${one(down)} herunter`;
}

function untilTime(time: string | null): string {
  return time === null ? '' : `, bis ${timeOfDay(time)}`;
}

function confirmed({ answered, asked }: { readonly answered: number; readonly asked: number }): string {
  return answered < asked ? `laut ${answered} von ${peers(asked)}` : `laut ${peers(asked)}`;
}

const byHand = 'Sonst leiten Sie den TCP-Port im Router von Hand weiter, und setzen Sie --advertise HOST:PORT.';

/** Was hinter dem Router noch im Weg ist. */
function beyond({ beyond: nat, address, port }: Pick<ValuesOf<'mapping-mapped'>, 'beyond' | 'address' | 'port'>) {
  const forward = port === 0 ? 'den TCP-Port von --listen' : `TCP-Port ${port}`;
  if (nat === 'private')
    return ` Seine eigene Adresse ${address} ist privat: Dazwischen ist ein zweiter Router. Lassen Sie diesen ${forward} an ihn weiterleiten, oder machen Sie einen von beiden zur Bridge.`;
  if (nat === 'carrier')
    return ` Seine eigene Adresse ${address} gehört zum NAT des Anbieters, das nichts weiterleitet: Lassen Sie sich eine eigene IPv4-Adresse geben, oder verwenden Sie IPv6. Ohne beides erreichen andere diesen Peer über Mitglieder.`;
  if (nat === 'unknown')
    return ' Er hat selbst keine öffentliche Adresse: Er ist hinter einem zweiten Router oder hinter dem NAT des Anbieters, der auf Wunsch eine eigene IPv4-Adresse gibt.';
  return null;
}

const withoutLan =
  'Ohne das lokale Netz finden sich Peers über gemerkte Adressen und Einladungen; --lan off lässt es weg.';

function zonesOf({ zones, alone }: ValuesOf<'zones'>): string {
  return [...zones, ...(alone === 0 ? [] : [`${peers(alone)} in keiner`])].join(', ');
}

const served: Readonly<Record<string, string>> = {
  links: 'Links',
  gateway: 'das Gateway für IPFS',
  dav: 'das Laufwerk',
  s3: 'S3',
};

function doorOf({ url, services }: Pick<ValuesOf<'door'>, 'url' | 'services'>): string {
  return `${url} bedient ${services.map((one) => served[one] ?? one).join(', ')}`;
}

const outcomes: Readonly<Record<string, string>> = {
  refused: 'nichts nahm die Verbindung an',
  silent: 'es kam keine Antwort',
  another: 'etwas anderes antwortete',
};

const sentences: Sentences = {
  joined: () => 'Dieser Peer ist Mitglied des Rings',
  'rings-merge': ({ who }) => `${who} ist in einem anderen Ring dieses Netzes: Die Ringe werden vereinigt`,
  isolated: () => 'Alle Nachfolger eines Platzes sind weg: Er tritt neu bei',
  'join-request': ({ who }) => `${who}: Beitrittsanfrage empfangen`,
  'join-forwarded': ({ who, next }) => `${who}: Beitrittsanfrage weitergegeben an ${next}`,
  'join-accepted': ({ who }) => `${who}: Beitritt angenommen`,
  successor: ({ which, isNew, ...at }) =>
    `Mein ${isNew ? 'neuer ' : ''}${which === 1 ? 'erster' : 'zweiter'} Nachfolger ist ${placed(at)}`,
  predecessor: (at) => `Mein neuer Vorgänger ist ${placed(at)}`,
  neighbour: ({ who }) => `${who} ist jetzt ein Nachbar auf dem Ring`,
  'peer-alive': ({ who }) => `${who} ist zurück`,
  'peer-dead': ({ who }) => `${who} ist nicht mehr erreichbar`,
  'peer-away': ({ who }) => `${who} hat angehalten; er behält seine Daten und kann zurückkommen`,
  'peer-left': ({ who }) => `${who} hat das Netz verlassen`,

  founding: () =>
    'Gründet ein neues Netz; um einem bestehenden beizutreten, mit --join HOST:PORT und anderem --data starten',
  'founding-again': () => 'Kein gemerkter Peer ist in einem Ring: Er wird neu gegründet',
  returning: ({ peers: count }) => `Kehrt ins Netz zurück: fragt ${plural(count, 'gemerkten Peer', 'gemerkte Peers')}`,
  leaving: () => 'Verlässt das Netz für immer: übergibt, was dieser Peer aufbewahrt',
  left: () => 'Dieser Peer hat das Netz für immer verlassen',
  stopping: () => 'Hält an: sagt es den Nachbarn; Daten und Platz bleiben',
  'not-all-given': ({ seconds }) =>
    `In ${seconds} s ließ sich nicht alles an andere übergeben: Sie stellen wieder her, was fehlt`,
  'copies-given': ({ copies: count }) => `Gab vor dem Anhalten ${copies(count)} an andere`,
  awake: ({ seconds }) => `Dieser Rechner schlief ${duration(seconds)}: sieht wieder nach den Nachbarn`,
  'addresses-changed': ({ addresses }) => `Ab jetzt erreichbar unter ${addresses.join(', ')}`,
  'member-removed': ({ who }) => `${who} wurde aus dem Netz entfernt`,
  'network-open': () =>
    'Dieses Netz ist offen: Jeder, der einen Peer erreicht, kann beitreten, alles lesen und ablegen. Wer entfernt wird, kann mit neuem Schlüssel zurückkommen.',
  'network-classroom': () =>
    'Dies ist ein Lehrring: Jeder, der einen Peer erreicht, kann beitreten, jeden Platz nehmen und alles lesen. Legen Sie nichts Wichtiges hinein.',
  'quota-chosen': ({ bytes, isHalfOfFree }) =>
    `Bewahrt höchstens ${size(bytes)} für das Netz auf${isHalfOfFree ? ', die Hälfte des freien Platzes' : ''}. Zu ändern in den Einstellungen.`,
  'limit-changed': ({ until, ...now }) => `Das Limit ist jetzt: ${limit(now)}${untilTime(until)}.`,

  published: ({ what, name, size: bytes, copies: count }) =>
    `${what === 'folder' ? 'Ordner' : what === 'file' ? 'Datei' : 'Versiegelte Datei'} ${quoted(name)} abgelegt: ${size(bytes)}, ${copies(count)}.`,
  received: ({ name, cid, size: bytes }) =>
    `Datei ${name === null ? cid : quoted(name)} geholt: ${size(bytes)}, geprüft.`,
  removed: ({ name }) => `${quoted(name)} entfernt.`,
  stored: ({ blocks: count, bytes, who }) => `${blocks(count)} (${size(bytes)}) von ${who} aufbewahrt.`,
  sent: ({ blocks: count, bytes, who }) => `${blocks(count)} (${size(bytes)}) an ${who} gesendet.`,
  moved: ({ copies: count, records, dropped, cached }) =>
    `${copies(count)} von Blöcken und ${plural(records, 'Eintrag', 'Einträge')} an ihre Plätze gebracht; überzählige hier: ${dropped} gelöscht, ${cached} im Cache behalten.`,
  'copy-corrupt': ({ cid, isReplaced }) =>
    `Die Kopie von Block ${cid} auf dieser Platte war beschädigt: ${isReplaced ? 'durch eine gute ersetzt' : 'eine gute gibt es gerade nicht; wird wieder versucht'}.`,
  freed: ({ blocks: count }) =>
    `${blocks(count)} gelöscht, ${count === 1 ? 'der' : 'die'} zu keiner Datei mehr ${count === 1 ? 'gehört' : 'gehören'}.`,
  shared: ({ path }) => `${path} ist freigegeben; die Dateien bleiben, wo sie sind.`,
  unshared: ({ path }) => `${path} ist nicht mehr freigegeben.`,
  'left-out': ({ path, what, why }) => `In der Freigabe ${path} ausgelassen: ${what} (${why}).`,
  'more-left-out': ({ path, count }) =>
    `In der Freigabe ${path} ausgelassen: ${plural(count, 'weitere', 'weitere')}. „chordial shares“ nennt sie.`,
  asked: ({ query, responses }) => `Nach ${searched(query)} gesucht: ${hits(responses)}.`,
  answered: ({ query, responses }) => `Eine Suche nach ${searched(query)} beantwortet: ${hits(responses)}.`,
  forwarded: ({ query, peers: count }) => `Eine Suche nach ${searched(query)} weitergegeben an ${peers(count)}.`,

  'sealed-copy': () =>
    'Mitglieder können die Datei selbst weiter lesen: Entfernen Sie sie, wenn die versiegelte Kopie genügt.',
  'link-outlives-file': ({ expires }) => `Die Datei selbst läuft am ${timeOfDay(expires)} ab, vor dem Link.`,
  'link-needs-sharer': () =>
    'Mitglieder bewahren keine Kopien davon auf, es ist nur freigegeben: Der Link geht nur, solange der Peer läuft, der es freigibt. Abgelegt ginge er immer.',
  'slow-peers': ({ names, more }) =>
    `Langsam wegen der Limits anderer Peers: ${names.join(', ')}${more === 0 ? '' : ` und ${more} weitere`}.`,

  running: ({ state, peers: count, listen }) =>
    state === 'member'
      ? `${peers(count)} auf dem Ring; dieser hört auf ${listen}.`
      : `Er ist gerade nicht auf dem Ring. Sehen Sie nach, was er ausgibt.`,
  'copies-whole': ({ wanted, ...said }) => `Alles hat seine ${copies(wanted)}, ${confirmed(said)}.`,
  'copies-waiting': ({ lacking, until }) =>
    `${copies(lacking)} ${lacking === 1 ? 'ist' : 'sind'} bei Peers, die nicht da sind${until === null ? '' : `; kommen sie nicht zurück, entstehen ab ${timeOfDay(until)} andere`}.`,
  'copies-repairing': ({ lacking, until, ...said }) =>
    `${copies(lacking)} ${lacking === 1 ? 'wird' : 'werden'} angelegt${until === null ? '' : `, bis etwa ${timeOfDay(until)}`}, ${confirmed(said)}. Zu tun ist nichts.`,
  'copies-few-peers': ({ wanted, peers: count }) =>
    `${peers(count)} ${count === 1 ? 'kann' : 'können'} nur ${count} der ${wanted} Kopien aufbewahren. Starten Sie weitere mit Platz, auf anderen Rechnern.`,
  'copies-unknown': () => 'Noch nicht mit anderen Peers verglichen. Sehen Sie in einer Minute wieder nach.',
  'blocks-at-risk': ({ blocks: count, name, publisher }) =>
    `${blocks(count)} ${count === 1 ? 'hat' : 'haben'} zu wenige Kopien${name === null ? '' : `, etwa von ${quoted(name)} von ${publisher}`}. Lassen Sie alle Peers laufen, bis sie kopiert sind.`,
  'disk-tight': ({ who, used, room, isQuota }) =>
    `${who ?? 'Dieser Peer'} ist fast voll: ${size(used)} belegt, ${size(room)} frei. ${isQuota ? 'Geben Sie ihm eine größere Quote' : 'Schaffen Sie Platz auf seiner Platte'}, oder starten Sie einen weiteren Peer.`,
  disks: ({ peers: count, used, room }) => `${peers(count)}: ${size(used)} belegt, ${size(room)} frei.`,
  'clock-agrees': ({ peers: count }) => `Sie stimmt mit ${plural(count, 'anderem Peer', 'anderen Peers')} überein.`,
  'clock-off': ({ seconds, isAhead, peers: count }) =>
    `Die Uhr dieses Peers geht ${duration(seconds)} ${isAhead ? 'vor' : 'nach'}, verglichen mit ${plural(count, 'anderem Peer', 'anderen Peers')}. Stellen Sie sie richtig, am besten durch NTP.`,
  'clock-set': () => 'Die Uhr dieses Peers stimmt wieder mit anderen überein.',

  'reach-loopback-only': () => 'Nur Peers auf diesem Rechner erreichen ihn. Andere brauchen --listen 0.0.0.0:PORT.',
  'reach-unknown': () => 'Noch nicht bekannt: Zu wenige Mitglieder auf anderen Rechnern konnten es versuchen.',
  'reach-open': ({ members, address }) =>
    `${plural(members, 'Mitglied erreicht', 'Mitglieder erreichen')} ihn unter ${address}.`,
  'reach-hidden': ({ failed, asked, address, outcome, relays }) =>
    `${failed} von ${plural(asked, 'Mitglied', 'Mitgliedern')} erreichten ihn unter ${address} nicht: ${outcomes[outcome] ?? outcome}. Öffnen Sie diesen TCP-Port in der Firewall, und leiten Sie ihn in einem Router an diesen Rechner weiter.${
      relays === null
        ? ''
        : relays === 0
          ? ' Bis dahin erreicht ihn niemand: Kein Mitglied vermittelt für ihn.'
          : ` Bis dahin erreichen ihn andere über ${plural(relays, 'Vermittler', 'Vermittler')}.`
    }`,
  'mapping-off': ({ reason, address }) => `Der Router wird nicht um einen Port gebeten: ${noMapping(reason, address)}.`,
  'mapping-asking': () => 'Der Router wird um einen Port gebeten.',
  'mapping-no-gateway': () => 'Von dort, wo er hört, führt keine Route hinaus; es gibt also keinen Router zu fragen.',
  'mapping-no-router': ({ gateway }) =>
    `${gateway}, das Gateway, antwortet weder auf PCP noch auf NAT-PMP noch auf UPnP. Schalten Sie eines davon im Router ein, wenn es einer ist. ${byHand}`,
  'mapping-refused': ({ gateway, protocol, reason, ...at }) =>
    `${gateway}, der Router, lehnt über ${protocol} ab (${reason}).${beyond({ ...at, port: 0 }) ?? ` Erlauben Sie es im Router. ${byHand}`}`,
  'mapping-mapped': ({ gateway, protocol, until, ...at }) =>
    `${gateway}, der Router, leitet ${at.address === null ? `Port ${at.port}` : `${at.address}:${at.port}`} über ${protocol} weiter${until === null ? '' : `${untilTime(until)}, und vorher wieder`}.${beyond(at) ?? ''}`,

  'lan-none': () => 'Dieser Rechner ist mit keinem verbunden.',
  'lan-fault': ({ name, fault, isForbidden }) =>
    `${name} taugt nicht für Multicast (${fault}). ${isForbidden ? 'Erlauben Sie UDP-Port 5353 in der Firewall. ' : ''}${withoutLan}`,
  'lan-blocked': ({ name }) =>
    `Multicast scheint auf ${name} gesperrt: Nicht einmal das dort Gesendete kommt zurück. Erlauben Sie UDP-Port 5353 in der Firewall. ${withoutLan}`,
  'lan-alone': ({ names }) =>
    `Kein anderer Peer ist auf ${names.join(', ')} zu hören. Gibt es einen, so hat er --lan off, ein Access Point trennt seine Geräte, oder einer von beiden ist ein Container ohne das Netz seines Rechners: Geben Sie dann seine Adresse an.`,
  'lan-heard': ({ peers: count, tag, interfaces, addresses, members }) =>
    `${peers(count)} ${tag === null ? 'dieses Netzes' : `eines anderen Netzes (${tag})`} auf ${interfaces.join(', ')}, unter ${addresses.join(', ')}${members.length === 0 ? '' : `, darunter ${members.join(', ')}`}.`,
  'store-up': ({ place, cached }) =>
    cached === null ? `${place} antwortet wieder.` : `${place}, davon ${size(cached)} hier im Cache.`,
  'store-full': ({ place, reason }) =>
    `${place} ist voll (${reason}). Schaffen Sie dort Platz, oder erhöhen Sie sein Limit; bis dahin gehen Blöcke an andere Peers.`,
  'store-away': ({ place, reason }) =>
    `${place} antwortet nicht, wie es sollte (${reason}). Seine Blöcke sind so lange nicht lesbar.`,
  'store-refused': ({ place, reason }) =>
    `${place} ist für diesen Peer nicht zu gebrauchen (${reason}). Seine Blöcke sind so lange nicht lesbar.`,
  limited: ({ until, ...now }) => `${limit(now)}${untilTime(until)}. Unter Übertragungen lässt es sich beenden.`,
  zones: (all) => zonesOf(all),
  'zones-few': ({ copies: count, ...all }) =>
    `${zonesOf(all)}. Bei ${copies(count)} in ${plural(all.zones.length + all.alone, 'Zone', 'Zonen')} fallen einige jeder Datei gemeinsam aus. Geben Sie Peers, die das nicht tun, eigene Zonen.`,
  'only-admin': ({ who }) =>
    `${who} ist der einzige Admin: Geht sein Schlüssel verloren, macht nur noch der Wiederherstellungsschlüssel andere dazu. Machen Sie unter Leute einen zweiten.`,
  'long-unseen': ({ who, days }) =>
    `${who} war ${plural(days, 'Tag', 'Tage')} nicht da. Kommt er nicht zurück, entfernen Sie ihn unter Leute.`,
  'member-waiting': ({ who }) => `${who} wartet, weil die Einladung aufgebraucht war. Unter Leute lassen Sie ihn ein.`,
  'open-invites': ({ count }) =>
    `${plural(count, 'Einladung dieses Peers gilt', 'Einladungen dieses Peers gelten')} noch.`,
  members: ({ count, admins }) =>
    `${plural(count, 'Mitglied', 'Mitglieder')}, davon ${plural(admins, 'Admin', 'Admins')}.`,
  'door-plain': (door) =>
    `${doorOf(door)} ohne TLS: Jeder zwischen ihr und Besuchern kann mithören. Geben Sie in den Einstellungen Zertifikat und Schlüssel der Tür an.`,
  door: ({ expires, ...door }) =>
    `${doorOf(door)}${expires === null ? '' : `; ihr Zertifikat gilt bis ${timeOfDay(expires)}`}.`,
  'certificate-expired': ({ url, expires }) =>
    `Das Zertifikat von ${url} ist am ${timeOfDay(expires)} abgelaufen: Browser warnen. Erneuern Sie es; die Tür nimmt das neue von selbst.`,
  'certificate-ends': ({ url, expires }) =>
    `Das Zertifikat von ${url} läuft am ${timeOfDay(expires)} ab. Erneuern Sie es.`,
  'certificate-fault': ({ expires, fault, ...door }) =>
    `${doorOf(door)} mit dem Zertifikat von vorher, bis ${timeOfDay(expires)}. (${fault})`,
};

function noMapping(reason: string, address: string | null): string {
  switch (reason) {
    case 'loopback':
      return 'Der Peer hört nur auf diesem Rechner';
    case 'advertised':
      return `Seine Adresse ${address} ist in den Einstellungen gegeben`;
    case 'ipv6-only':
      return 'Der Peer hört nur auf IPv6';
    case 'public-address':
      return `Dieser Rechner hat die öffentliche Adresse ${address}`;
    default:
      return 'In den Einstellungen abgeschaltet';
  }
}

export function germanSentence(code: SentenceCode, values: object): string | null {
  const sentence = sentences[code] as ((values: object) => string) | undefined;
  return sentence?.(values) ?? null;
}

/** Fehler, denen man auf der Seite begegnet. */
export const germanErrors: { readonly [C in ErrorCode]?: string } = {
  'bad-request': 'So versteht der Peer das nicht.',
  'bad-usage': 'Diese Angabe ist nicht gültig.',
  'bad-name': 'So kann eine Datei nicht heißen.',
  'bad-cid': 'Das ist kein gültiger Hash.',
  'no-key': 'Kein Schlüssel hier öffnet es.',
  'bad-content': 'Der Inhalt ist beschädigt.',
  'bad-configuration': 'Diese Einstellung ist nicht gültig.',
  'bad-invite': 'Das ist keine gültige Einladung.',
  ended: 'Wer es abgelegt hat, hat es zurückgenommen.',
  'invite-expired': 'Die Einladung ist abgelaufen.',
  'invite-used': 'Die Einladung ist aufgebraucht.',
  'not-found': 'Das gibt es nicht, oder nicht mehr.',
  'wrong-code': 'Die Wörter stimmen nicht.',
  'wrong-password': 'Das Passwort stimmt nicht.',
  'no-door': 'Kein Mitglied mit offener Tür bedient Links.',
  'read-only': 'Mit diesem Zugang darf man nur lesen.',
  'not-publisher': 'Das darf nur, wer es abgelegt hat.',
  'not-a-member': 'Der Peer ist gerade nicht auf dem Ring. Versuchen Sie es gleich noch einmal.',
  'last-peer': 'Das ist der letzte Peer des Netzes.',
  'already-exists': 'Dort ist schon etwas anderes.',
  'changed-while-read': 'Die Datei hat sich beim Lesen geändert.',
  changed: 'Es hat sich inzwischen geändert.',
  locked: 'Es ist gesperrt, weil ein anderes Programm es bearbeitet.',
  'wrong-clock': 'Die Uhren dieses Peers und der anderen gehen zu weit auseinander.',
  'ambiguous-name': 'Mehrere haben etwas unter diesem Namen abgelegt.',
  'body-cut-off': 'Die Übertragung brach ab.',
  'too-many-entries': 'Das sind zu viele auf einmal.',
  'too-large': 'Das ist zu groß.',
  'too-few-copies':
    'Es kamen nicht genug Kopien zustande. Starten Sie weitere Peers mit Platz, und versuchen Sie es noch einmal.',
  'no-live-source': 'Kein Peer, der es hat, antwortet gerade. Versuchen Sie es wieder, wenn mehr Peers laufen.',
  'disk-full': 'Die Platte ist voll.',
  'quota-full': 'Der Platz für das Netz ist aufgebraucht.',
  'publisher-full': 'Von einem Mitglied bewahren die Peers nicht noch mehr auf.',
  'unreadable-file': 'Der Peer kann die Datei oder den Ordner nicht lesen.',
  'unwritable-file': 'Der Peer kann dort nicht schreiben.',
  'bad-address': 'Das ist keine gültige Adresse.',
  unreachable: 'Der Peer ist nicht erreichbar.',
  'member-removed': 'Das Mitglied wurde entfernt.',
  'not-admin': 'Das dürfen nur Admins.',
  'last-admin': 'Das ist der einzige Admin.',
  'ambiguous-member': 'Mehrere Mitglieder heißen so.',
  'store-away': 'Der Objektspeicher antwortet nicht.',
  'store-refused': 'Der Objektspeicher lehnt diesen Peer ab.',
  stopped: 'Das Limit dieses Peers steht auf Stopp.',
  busy: 'Gerade ist zu viel auf einmal los. Versuchen Sie es gleich noch einmal.',
  'too-many-requests': 'Das waren zu viele Anfragen. Versuchen Sie es gleich noch einmal.',
  timeout: 'Es dauerte zu lange. Versuchen Sie es noch einmal.',
  internal: 'Ein Fehler in Chordial.',
};
