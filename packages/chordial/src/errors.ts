/**
 * Every failure that a person or program can meet: its stable code, HTTP status, exit code and a plain title.
 * The sentence that says what, where and what to do is given where the error is thrown.
 */

interface ErrorKind {
  readonly status: number;
  readonly exit: 1 | 2 | 3;
  readonly title: string;
}

export const errorKinds = {
  'bad-request': { status: 400, exit: 2, title: 'The request is malformed' },
  'bad-usage': { status: 400, exit: 2, title: 'Wrong usage' },
  'bad-name': { status: 400, exit: 2, title: 'Not a valid file name' },
  'bad-cid': { status: 400, exit: 2, title: 'Not a valid CID' },
  'no-key': { status: 403, exit: 1, title: 'No key opens it' },
  'bad-content': { status: 502, exit: 1, title: 'The content is malformed' },
  'bad-configuration': { status: 400, exit: 2, title: 'Bad configuration' },
  'bad-invite': { status: 400, exit: 2, title: 'Not a valid invite' },
  ended: { status: 410, exit: 1, title: 'Its publisher ended what it belongs to' },
  'invite-expired': { status: 410, exit: 1, title: 'The invite has expired' },
  'invite-used': { status: 410, exit: 1, title: 'The invite let in as many as it may' },
  'genesis-disagrees': { status: 409, exit: 2, title: 'A flag disagrees with the network' },
  'not-found': { status: 404, exit: 3, title: 'Not found' },
  'no-such-route': { status: 404, exit: 3, title: 'No such route' },
  'method-not-allowed': { status: 405, exit: 2, title: 'The route knows no such method' },
  'not-acceptable': { status: 406, exit: 2, title: 'Not given in this format' },
  'not-processable': { status: 422, exit: 2, title: 'What was asked for is not what is asked for here' },
  'not-offered': { status: 501, exit: 2, title: 'Not offered here' },
  'unsupported-type': { status: 415, exit: 2, title: 'A body of this type is not taken' },
  'unsupported-coding': { status: 501, exit: 2, title: 'A transfer coding that is not understood' },
  'precondition-failed': { status: 412, exit: 1, title: 'A condition of the request does not hold' },
  'forbidden-origin': { status: 403, exit: 1, title: 'Requests from this origin or for this host name are refused' },
  'wrong-code': { status: 403, exit: 1, title: 'The words of the code are wrong' },
  'wrong-password': { status: 403, exit: 1, title: 'The password is wrong' },
  'no-door': { status: 409, exit: 1, title: 'No member serves links' },
  'token-required': { status: 401, exit: 1, title: 'A token is required' },
  'read-only': { status: 403, exit: 1, title: 'The token is only to read' },
  'not-publisher': { status: 403, exit: 1, title: 'Only its publisher may do this' },
  'not-a-member': { status: 503, exit: 1, title: 'This peer is not a member of a ring' },
  'last-peer': { status: 409, exit: 1, title: 'This is the last peer' },
  'wrong-place': { status: 409, exit: 1, title: 'It belongs to other hosts' },
  'already-exists': { status: 409, exit: 1, title: 'Something else is already there' },
  'changed-while-read': { status: 409, exit: 1, title: 'The file changed while it was read' },
  changed: { status: 409, exit: 1, title: 'It changed meanwhile' },
  locked: { status: 423, exit: 1, title: 'It is locked' },
  'wrong-clock': { status: 409, exit: 1, title: 'The clocks of this peer and of others differ too much' },
  'ambiguous-name': { status: 409, exit: 1, title: 'Several publishers use this name' },
  'publisher-changed': { status: 409, exit: 1, title: 'Another publisher uses this name now' },
  'body-cut-off': { status: 400, exit: 1, title: 'The body ended before it was complete' },
  'too-many-entries': { status: 409, exit: 1, title: 'Too many entries' },
  'too-large': { status: 413, exit: 1, title: 'Too large' },
  'range-not-satisfiable': { status: 416, exit: 1, title: 'Range not satisfiable' },
  'too-few-copies': { status: 503, exit: 1, title: 'Not enough copies could be made durable' },
  'no-live-source': { status: 503, exit: 1, title: 'No live source has it' },
  'disk-full': { status: 507, exit: 1, title: 'The disk is full' },
  'quota-full': { status: 507, exit: 1, title: 'The quota is used up' },
  'publisher-full': { status: 507, exit: 1, title: 'The publisher has as much as a peer keeps of one' },
  'unreadable-file': { status: 400, exit: 1, title: 'The file cannot be read' },
  'unwritable-file': { status: 400, exit: 1, title: 'The file cannot be written' },
  'outside-target': { status: 400, exit: 1, title: 'It would be written outside the place named' },
  'port-in-use': { status: 500, exit: 1, title: 'The port is taken' },
  'bad-address': { status: 400, exit: 2, title: 'Not a valid address' },
  'join-failed': { status: 502, exit: 1, title: 'Could not join' },
  unreachable: { status: 502, exit: 1, title: 'The peer cannot be reached' },
  'other-network': { status: 409, exit: 1, title: 'The peer belongs to another network' },
  'wrong-peer': { status: 502, exit: 1, title: 'Another peer answered than the one meant' },
  'not-admitted': { status: 403, exit: 1, title: 'This network takes in members only' },
  'bad-certificate': { status: 403, exit: 1, title: 'The certificate of a member does not hold' },
  'member-removed': { status: 403, exit: 1, title: 'The member was removed' },
  'not-admin': { status: 403, exit: 1, title: 'Only an admin may do this' },
  'last-admin': { status: 409, exit: 1, title: 'This is the only admin' },
  'ambiguous-member': { status: 409, exit: 1, title: 'Several members are called so' },
  'id-taken': { status: 409, exit: 1, title: 'The ring id is taken' },
  'identity-in-use': { status: 409, exit: 1, title: 'This peer runs elsewhere' },
  'store-away': { status: 503, exit: 1, title: 'The object store does not answer' },
  'store-refused': { status: 502, exit: 1, title: 'The object store refuses this peer' },
  'broken-data-folder': { status: 500, exit: 1, title: 'The data folder is broken' },
  'data-folder-in-use': { status: 409, exit: 1, title: 'The data folder is in use' },
  'no-running-peer': { status: 503, exit: 1, title: 'No running peer was found' },
  stopped: { status: 503, exit: 1, title: 'The limit of this peer is "stop"' },
  busy: { status: 503, exit: 1, title: 'Too much at once' },
  'too-many-requests': { status: 429, exit: 1, title: 'Too many requests' },
  timeout: { status: 504, exit: 1, title: 'It took too long' },
  interrupted: { status: 499, exit: 1, title: 'Interrupted' },
  internal: { status: 500, exit: 1, title: 'A bug in Chordial' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

/** A failure with a cause to tell: `message` says what was wrong, where, and what to do. */
export class ChordialError extends Error {
  readonly code: ErrorCode;
  /** Further members of its problem document, for programs. */
  readonly details: Readonly<Record<string, unknown>>;
  constructor(
    code: ErrorCode,
    message: string,
    { details = {}, ...options }: ErrorOptions & { readonly details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options);
    this.name = 'ChordialError';
    this.code = code;
    this.details = details;
  }
  get status(): number {
    return errorKinds[this.code].status;
  }
  get exit(): number {
    return errorKinds[this.code].exit;
  }
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorKinds, code);
}
