/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything that traffic can grow has its maximum here, with the reason for the figure. */
#ifndef SPF_UTIL_LIMITS_H
#define SPF_UTIL_LIMITS_H

/* Connections watched at once. An etcd or Envoy of a big host holds a few thousand. */
#define LIMIT_CONNECTIONS 65536

/* CPU seconds in which the worker must take a step: a chunk decoded, a batch of records printed.
 * Far more than one needs, as who is killed loses all; but a loop does not last for hours. */
#define LIMIT_STAGE_SEC 10

/* One line of a text trace: twice (hex) the largest write that a test wants to type in. */
#define LIMIT_TRACE_LINE (16u << 20)

/* A packet of a capture file. tcpdump's largest snaplen is 256 KiB; BIG TCP makes 512 KiB. */
#define LIMIT_PACKET_LEN (1u << 20)

/* A block of a pcapng: a packet with its options, or e.g. embedded TLS keys, which are passed. */
#define LIMIT_BLOCK_LEN (16u << 20)

/* Interfaces of a pcapng section. */
#define LIMIT_INTERFACES 65536

/* A chunk of spf's own file: the largest write that a socket takes at once. */
#define LIMIT_CHUNK_LEN (64u << 20)

/* Interfaces (socket paths) that -w names; the rest is one interface. */
#define LIMIT_WRITE_INTERFACES 4096

/* TCP segments that wait for an earlier one: a direction (a few windows of a fast connection),
 * and all together. */
#define LIMIT_TCP_PENDING (1u << 20)
#define LIMIT_TCP_PENDING_ALL (16u << 20)

/* Connections of a capture file that have ended: late retransmissions must not open them anew. */
#define LIMIT_TCP_CLOSED 1024

/* Strings (paths of programs) that a capture file may name; the rest is shown as unknown. */
#define LIMIT_FILE_STRINGS 4096

/* Chunks that wait in the reorder stage, all connections together. */
#define LIMIT_REORDER_LEN (64u << 20)

/* Head of an HTTP/1 message. Servers refuse past 8 to 64 KiB; Go's takes 1 MiB. */
#define LIMIT_HTTP1_HEAD (256u << 10)

/* Field lines of an HTTP/1 head. Servers stop at 100 to 2,000. */
#define LIMIT_HTTP1_FIELDS 4096

/* A line that may be the start-line with which HTTP/1 goes on after a loss. */
#define LIMIT_HTTP1_START (16u << 10)

/* Body of an HTTP/1 message that is kept for m.body; the rest is counted only. */
#define LIMIT_HTTP1_BODY (1u << 20)

/* An HTTP/1 message waits for its body, to be one record with it, if this is all that comes. */
#define LIMIT_HTTP1_HELD (64u << 10)

/* Requests of an HTTP/1 connection that wait for their responses (pipelining). Clients send a
 * handful; wrk's pipeline script some dozens. */
#define LIMIT_HTTP1_PIPELINE 1024

/* A client that pipelines and is owed responses hears of its server within this. */
#define LIMIT_HTTP1_SILENCE_NS 1000000000

/* gRPC message that is kept for m.data; gRPC's own default is to refuse more than 4 MiB. */
#define LIMIT_GRPC_MESSAGE (4u << 20)

/* What a compressed body or message may become, and how many times its size: zlib's format can
 * reach 1032 times, text and protobuf hardly 50. */
#define LIMIT_INFLATE_LEN (8u << 20)
#define LIMIT_INFLATE_RATIO 250

/* Header lists that open and finished calls keep for c.request and c.response, all together. */
#define LIMIT_CALLS_KEPT (64u << 20)

/* Nesting of protobuf messages that is followed; protobuf itself stops at 100. */
#define LIMIT_PB_DEPTH 64

/* Bytes of an HPACK dynamic table (RFC 7541 §4.1) that are kept, whatever the peers agreed on:
 * 16 times the default. Entries beyond are shown as unknown. */
#define LIMIT_HPACK_TABLE 65536u

/* Highest index into a dynamic table whose older part is unknown: a table of 2 MiB, more than
 * any peer is known to allow. Above it the index is an error, not an unknown entry. */
#define LIMIT_HPACK_INDEX 65536u

/* Symbols of unknown header fields that scripts may name. A service has some dozens of methods. */
#define LIMIT_HINTS 256u

/* Names and values of one header block, decoded. Endpoints take 8 to 64 KiB, some of them 1 MiB
 * with a tuned server. A block of 16 KiB can name 64 MiB (an indexed field is one byte). */
#define LIMIT_HEADER_LIST (256u << 10)

/* Fields of one header block. */
#define LIMIT_HEADER_FIELDS 4096u

/* A header block on the wire, CONTINUATION frames included, and the number of those. */
#define LIMIT_HEADER_BLOCK (256u << 10)
#define LIMIT_CONTINUATIONS 64u

/* Streams of a connection. Endpoints allow 100 to 1000 at once; a rapid reset leaves none behind. */
#define LIMIT_STREAMS 4096u

/* Method, scheme, authority and path as they are repeated on the records of a stream. */
#define LIMIT_CONTEXT_LEN 8192u

/* Payload of one frame that is kept for a record. 16 KiB is what peers send unless told to send
 * more; a message is put together from frames elsewhere. */
#define LIMIT_FRAME_KEPT (64u << 10)

/* Bytes of a direction that are kept while its protocol or a frame boundary is looked for: four
 * frames of the usual 16 KiB. */
#define LIMIT_BACKLOG (64u << 10)

/* Bytes of both directions after which a connection that speaks nothing spf knows is left alone. */
#define LIMIT_DETECT (1u << 20)

/* Names of executables that connections may have, each kept once for the whole capture. A host
 * runs a few hundred; past this a connection's is unknown. */
#define LIMIT_EXECUTABLES 4096

#endif
