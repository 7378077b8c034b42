/** Every bound of the HTTP/2 transport, and the settings of nghttp2 that follow from them. */
import type { Settings } from 'node:http2';

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** How much one stream may have in progress: two of the longest messages. */
export const streamWindowBytes = 2 * mebibyte;
/** How much one connection may have in progress. */
export const connectionWindowBytes = 4 * mebibyte;
/** Node refuses new streams beyond it. Above the window, so that a full window alone never does. */
export const maxSessionMemoryMebibytes = 64;
/** One frame; the least that HTTP/2 allows is 16 KiB. */
const frameBytes = 64 * kibibyte;

export const maxConcurrentStreams = 1024;
/** Questions of one connection that are worked on at once; the one that asks keeps further ones back until some are answered. */
export const maxRunningRequests = 1024;
/** Once so much waits on a control stream for the other side to read, further questions wait here and may be given up. */
export const maxUnsentBytes = mebibyte;
/** Bodies of requests that have not arrived whole: over all connections, and of one. The same for answers that were not read yet. */
export const smallBodyRoom = {
  maxBytes: 64 * mebibyte,
  maxBytesPerConnection: 8 * mebibyte,
  alwaysBytesPerConnection: 128 * kibibyte,
} as const;
/** From the first byte of a small body to its last, either way: 1 MiB at 35 kB/s. One that drips holds its bytes no longer. */
export const smallBodyMilliseconds = 30_000;
/** Questions of ours to one host that wait for an answer; more are refused here rather than queued. */
export const maxPendingRequests = 4096;
export const maxOutstandingPings = 64;
/** A client may cancel streams; as many a second as it may open, no more. */
export const streamResets = { streamResetBurst: maxConcurrentStreams, streamResetRate: maxConcurrentStreams };
/** Pairs of headers in a request; ours have 4. */
export const maxHeaderPairs = 32;
const maxHeaderListBytes = 8 * kibibyte;

/** Connections of hosts that have said HELLO. The last ones are kept for those whose places on the ring are beside ours. */
export const maxIncomingSessions = 512;
export const neighbourSessions = 64;
/** Of one host: it needs two, and some time to give up those of before it moved. */
export const maxConnectionsPerHost = 4;
/** A host that asks nothing for so long dials again when it does. */
export const idleIncomingMilliseconds = 300_000;
/** Connections before HELLO, in all and from one IPv4 address or IPv6 /64; beyond them the oldest goes. */
export const maxStrangers = 64;
export const maxStrangersPerAddress = 8;
/** From an address from which a member has come: many peers of one house return at once. */
export const maxStrangersPerKnownAddress = 32;
/** Once so many strangers wait, each has this long for TLS and HELLO. */
export const crowdedStrangers = 32;
export const crowdedHandshakeMilliseconds = 1500;
/** TLS handshakes that no HELLO follows, each some 3 ms of work: of one address, and of one from which a member has come. */
export const handshakeRate = { burst: 32, perSecond: 4 } as const;
/** Of all addresses together, too, from which no member has come. */
export const knownHandshakeRate = { burst: 256, perSecond: 100 } as const;
/** TLS and HELLO each must be done within this. */
export const handshakeMilliseconds = 5000;
/** How long a ticket is good for: a host that returns within a day, as long as this process lives, is known again. */
export const ticketSeconds = 86_400;
/** One address of a host: within a data centre or a home it answers within milliseconds or not at all. */
export const connectMilliseconds = 1000;

/** Hosts to which connections are kept; the one used longest ago gives way. */
export const maxOutgoingHosts = 256;
export const idleMilliseconds = { control: 300_000, bulk: 60_000 } as const;
export const sweepMilliseconds = 10_000;
/** A connection that answers nothing for this long while something is asked is given up and dialled again at the next use. */
export const silentConnectionMilliseconds = 5000;
/** A stream that a caller opened may not stay silent for longer. */
export const incomingSilenceMilliseconds = 60_000;
export const farewellMilliseconds = 500;
export const heardMilliseconds = 100;

export const kindPattern = /^[A-Za-z][A-Za-z0-9/._-]{0,63}$/;

export const settings: Settings = {
  initialWindowSize: streamWindowBytes,
  maxFrameSize: frameBytes,
  maxConcurrentStreams: maxConcurrentStreams,
  maxHeaderListSize: maxHeaderListBytes,
  enablePush: false,
};
