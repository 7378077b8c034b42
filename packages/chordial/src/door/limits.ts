/** What strangers may cost a door. All of them are counted per network of a customer: an IPv4 address or an IPv6 /64. */
import type { Rate } from '../flow/token-bucket.ts';

/** Connections, in all and of one network; beyond the first, the oldest of the network with the most is closed. */
export const maxConnections = 2048;
export const maxConnectionsPerNetwork = 256;
/** Requests in progress. A download counts until its last byte is taken. */
export const maxRequests = 256;
export const maxRequestsPerNetwork = 64;
/** Streams of one HTTP/2 connection. */
export const maxStreams = 64;
/** Streams that a client may reset at once and per second, before its connection is closed. */
export const maxResetsAtOnce = 200;
export const maxResetsPerSecond = 20;
export const maxHeaderBytes = 16 * 1024;
export const maxHeaderPairs = 100;
/** Memory of one HTTP/2 session, in megabytes as Node counts. */
export const maxSessionMegabytes = 4;
/**
 * Bytes on their way in that were not read yet, of an upload and of an HTTP/2 connection: with Node's 64 KiB an upload over
 * 50 ms is no faster than 1.3 MB/s.
 */
export const streamWindowBytes = 512 * 1024;
export const connectionWindowBytes = 1024 * 1024;
/** Bytes of a request that is no upload. */
export const maxBodyBytes = 64 * 1024;
/** TLS handshake, headers, and a body that is no upload. */
export const handshakeMilliseconds = 10_000;
export const headersMilliseconds = 15_000;
export const bodyMilliseconds = 30_000;
/** What must move on a connection in each such time while its client is waited for. */
export const minBytesPerPace = 64 * 1024;
export const paceMilliseconds = 60_000;
/** A connection on which nothing moves. */
export const idleMilliseconds = 120_000;
/** Wrong passwords and tokens of one network, for one subject. */
export const failureRate: Rate = { burst: 5, perSecond: 5 / 60 };
/** Networks and subjects whose failures are remembered. */
export const maxFailuresRemembered = 16_384;
export const retryAfterSeconds = 10;

/** Ids and paths asked for that lead nowhere, of one network: each may cost a read from the ring. */
export const missRate: Rate = { burst: 60, perSecond: 1 };
/** Exchanges about codes that one network begins: each takes a member some milliseconds. */
export const codeRate: Rate = { burst: 30, perSecond: 0.5 };
/** Wrong passwords for one link, of all networks. */
export const guessRatePerLink: Rate = { burst: 30, perSecond: 0.5 };
export const maxLinksGuessedAt = 4096;
/** Passwords to be checked, one after another: each takes some 60 ms and 32 MiB. */
export const maxGuessesWaiting = 64;
/** A wrong password is answered after this time. */
export const wrongGuessMilliseconds = 1000;
export const maxPasswordFormBytes = 4096;
/** A browser that gave the password goes on for so long. */
export const ticketMilliseconds = 60 * 60 * 1000;
export const maxTickets = 4096;
/** Of a text shown in a page; as much is read to see what a content is. */
export const shownTextBytes = 64 * 1024;
/** For these first bytes; a page does without them when they take longer. */
export const previewMilliseconds = 4000;
/** A connection whose upload is put into the network after its last byte. */
export const publishMilliseconds = 3_600_000;

/** Bytes that a CID may carry itself, of the gateway. */
export const maxIdentityBytes = 128;
/** The gateway waits so long for the first block. */
export const firstBlockMilliseconds = 20_000;
/** Blocks that were nowhere are not looked for again for this time, so many of them. */
export const missMilliseconds = 15_000;
export const maxMissesRemembered = 4096;
/** Records that the router gives. */
export const maxRecords = 100;
