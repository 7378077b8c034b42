/** All limits of connections, of both sorts, and the settings of HTTP/2 derived from them. */
import type { Settings } from 'node:http2';

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** Window of one stream: two of the longest messages. */
export const streamWindowBytes = 2 * mebibyte;
/** Window of one connection. */
export const connectionWindowBytes = 4 * mebibyte;
/** Node refuses new streams beyond it. Above the window, so that a full window alone never does. */
export const maxSessionMemoryMebibytes = 64;
/** One frame; the least that HTTP/2 allows is 16 KiB. */
const frameBytes = 64 * kibibyte;

export const maxConcurrentStreams = 1024;
/** Concurrent requests per connection; the asker holds back further ones. */
export const maxRunningRequests = 1024;
/** With this many unread bytes on a control stream, further requests wait here and may be cancelled. */
export const maxUnsentBytes = mebibyte;
/** Incomplete request bodies: over all connections, and of one. The same for unread answers. */
export const smallBodyRoom = {
  maxBytes: 64 * mebibyte,
  maxBytesPerConnection: 8 * mebibyte,
  alwaysBytesPerConnection: 128 * kibibyte,
} as const;
/**
 * From the first byte of a small body to its last, either way: 1 MiB at 35 kB/s. Bounds how long a slow sender holds
 * memory.
 */
export const smallBodyMilliseconds = 30_000;
/** Our unanswered requests to one host; more are refused here rather than queued. */
export const maxPendingRequests = 4096;
export const maxOutstandingPings = 64;
/** A client may cancel streams, per second as many as it may open. */
export const streamResets = { streamResetBurst: maxConcurrentStreams, streamResetRate: maxConcurrentStreams };
/** Pairs of headers in a request; ours have 4. */
export const maxHeaderPairs = 32;
const maxHeaderListBytes = 8 * kibibyte;

/** Connections of hosts that have completed HELLO. The last ones are reserved for ring neighbours. */
export const maxIncomingSessions = 512;
export const neighbourSessions = 64;
/** Per host: it needs two, or three to a relay, and time to close those from before it moved. */
export const maxConnectionsPerHost = 6;
/** A host that asks nothing for this long redials when needed. */
export const idleIncomingMilliseconds = 300_000;
/** Connections before HELLO, in all and per IPv4 address or IPv6 /64; beyond this the oldest is closed. */
export const maxStrangers = 64;
export const maxStrangersPerAddress = 8;
/** For an address from which a member has come: many peers of one household return at once. */
export const maxStrangersPerKnownAddress = 32;
/** With this many strangers waiting, each has this long for TLS and HELLO. */
export const crowdedStrangers = 32;
export const crowdedHandshakeMilliseconds = 1500;
/**
 * TLS handshakes without a following HELLO, each some 3 ms of work: per address, and per address from which a member
 * has come.
 */
export const handshakeRate = { burst: 32, perSecond: 4 } as const;
/** Also of all addresses together from which no member has come. */
export const knownHandshakeRate = { burst: 256, perSecond: 100 } as const;
/** Time limit of TLS and of HELLO. */
export const handshakeMilliseconds = 5000;
/** Validity of a session ticket: a host that returns within a day, while this process lives, is recognised. */
export const ticketSeconds = 86_400;
/** Per address of a host: within a data centre or a home it answers within milliseconds or not at all. */
export const connectMilliseconds = 1000;
/** Of a host that may be hidden the next address is dialled after this. */
export const nextAddressMilliseconds = 250;

/** Hosts with open connections; the least recently used is closed. */
export const maxOutgoingHosts = 256;
export const idleMilliseconds = { control: 300_000, bulk: 60_000, relay: 60_000 } as const;
export const sweepMilliseconds = 10_000;
/** A connection without any response for this long while requests are pending is abandoned and redialled on the next use. */
export const silentConnectionMilliseconds = 5000;
/** The same of a connection for bulk to a hidden host: what leads there may have ended, and there are other ways. */
export const silentThroughMilliseconds = 2500;
/** For an answer on a connection to where a host was, when it speaks from elsewhere. */
export const elsewhereMilliseconds = 1000;
/** Idle limit of a stream opened by a caller. */
export const incomingSilenceMilliseconds = 60_000;
export const farewellMilliseconds = 500;
export const heardMilliseconds = 100;

/** Of a tunnel, on each of its two connections. */
const tunnelWindowBytes = 256 * kibibyte;
/** Of a connection to a relay: as many tunnels as a host may have leave room in it when no one reads them. */
const relayWindowBytes = 16 * mebibyte;

export const kindPattern = /^[A-Za-z][A-Za-z0-9/._-]{0,63}$/;

export const http2Settings: Settings = {
  initialWindowSize: streamWindowBytes,
  maxFrameSize: frameBytes,
  maxConcurrentStreams: maxConcurrentStreams,
  maxHeaderListSize: maxHeaderListBytes,
  enablePush: false,
};

/** What differs between connections for control and to relays. */
export interface Http2Sizes {
  readonly settings: Settings;
  readonly windowBytes: number;
}

export const controlSizes: Http2Sizes = { settings: http2Settings, windowBytes: connectionWindowBytes };
export const relaySizes: Http2Sizes = {
  settings: { ...http2Settings, initialWindowSize: tunnelWindowBytes },
  windowBytes: relayWindowBytes,
};
