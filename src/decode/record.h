/* SPDX-License-Identifier: BSD-2-Clause */
/* The data model: what the decoders give and scripts, printers and writers take.
 *
 * A batch is one block of memory that holds up to BATCH_RECORDS records and every
 * string that they name. It points nowhere outside of itself: strings are offsets
 * from the start of the batch, so a batch may be kept, copied or moved whole.
 *
 *     +--------------+-----------+-------------+-----------+---------
 *     | struct batch | record    | its strings | record    | ...
 *     +--------------+-----------+-------------+-----------+---------
 *
 * The plain structs below are also read by LuaJIT's FFI: the part of this file that
 * does not hide behind SPF_CDEF is handed to ffi.cdef as it is (see Makefile), so it
 * holds fixed-width members only. The names under which scripts see the members are
 * in fields.def. Absent values: a str with off 0, a negative number, a tri of 2.
 */
#ifndef SPF_DECODE_RECORD_H
#define SPF_DECODE_RECORD_H

#ifndef SPF_CDEF
#include <stdbool.h>
#include <stdint.h>
#include "util/bytes.h"
#endif

enum {
	BATCH_RECORDS = 128,
	BATCH_ALIGN = 8,
	BATCH_LEN = 65536, /* LuaJIT's allocator maps objects of 128 KiB and more one by one: 10x slower */
};

struct str {
	uint32_t off; /* from the start of the batch; 0 = absent */
	uint32_t len;
};

/* A list of count structs (header, setting) of one kind at off. */
struct list {
	uint32_t off; /* 0 = absent */
	uint32_t count;
};

struct batch {
	uint32_t cap;  /* bytes of the whole block, this struct included */
	uint32_t used; /* bytes taken so far */
	uint32_t count;
	uint32_t id;    /* never twice in a process: caches of offsets are valid within one id */
	uint32_t rec[BATCH_RECORDS]; /* offsets of the records */
};

enum record_kind {
	KIND_CHUNK,
	KIND_CONN,
	KIND_FRAME,
	KIND_MESSAGE,
	KIND_HTTP,
	KIND_CALL,
	KIND_GAP,
	KIND_COUNT,
};

enum role { ROLE_UNKNOWN, ROLE_CLIENT, ROLE_SERVER };
enum transport { TRANSPORT_UNIX, TRANSPORT_TCP };
enum proto { PROTO_UNKNOWN, PROTO_H2, PROTO_HTTP1 };
enum tri { TRI_FALSE, TRI_TRUE, TRI_ABSENT };

struct header {
	struct str name;
	struct str value;
	uint32_t name_id;  /* the same non-zero id means the same bytes, for caches; 0 = no id */
	uint32_t value_id;
	uint8_t indexed;   /* the whole field came from a table */
	uint8_t sensitive; /* never-indexed literal, RFC 7541 §6.2.3 */
	uint8_t unknown;   /* 1: value is a symbol "?…", not what was sent; 2: name too; 3: name only;
			    * 4 (HEADER_HINTED): both are what a script said that the symbol is */
	uint8_t reserved;
	uint32_t wire_len; /* bytes this field took in the header block */
};

enum { HEADER_HINTED = 4 };

struct setting {
	uint32_t id;
	uint32_t value;
};

/* The head of every record. */
struct record {
	uint64_t seq;       /* record number, from 1; set by the pipeline */
	int64_t ts_ns;      /* epoch, when the record's first byte was written */
	int64_t elapsed_ns; /* the same, since the capture began */
	int64_t queue_ns;   /* from written to read by the peer; < 0 unknown */
	uint32_t conn_id;
	int32_t pid;        /* writer; < 0 unknown */
	uint8_t kind;
	uint8_t from;
	uint8_t transport;
	uint8_t proto;
	uint8_t tls;
	uint8_t hidden;     /* a filter or script dropped it */
	uint8_t exact;      /* 0: something before it was not seen, so it may be incomplete */
	uint8_t reserved;
	struct str comm;
	struct str addr;
};

/* The request that a frame, message or call belongs to. */
struct context {
	struct str method;
	struct str scheme;
	struct str authority;
	struct str path;
	uint8_t is_grpc; /* path names an RPC: rpc_method and rpc_service are cut from it */
	uint8_t path_unknown; /* 1: path is a symbol "?…", or a value whose name is unknown but likely
			       * :path; 2: it is what a script said that the symbol is */
	uint8_t reserved[6];
};

struct rec_chunk {
	struct record r;
	uint64_t offset;
	int64_t read_ns; /* epoch; < 0 unknown */
	uint32_t length;
	uint32_t captured;
	int32_t tid;
	int32_t reader_pid;
	int32_t fds; /* passed by SCM_RIGHTS; < 0 unknown */
	uint32_t reserved;
	struct str data;
};

struct rec_frame {
	struct record r;
	struct context ctx;
	uint32_t length;
	uint32_t stream_id;
	uint8_t type;
	uint8_t flags;
	uint8_t truncated;
	uint8_t trailers;  /* HEADERS: tri */
	uint8_t complete;  /* header block: every field known */
	uint8_t exclusive; /* tri */
	uint8_t violation; /* the frame breaks the RFC: see why */
	uint8_t has_data;  /* data holds the payload (it was wanted) */
	int32_t status;    /* HEADERS of a response; < 0 none */
	int32_t missing;   /* header fields with an unknown name or value; < 0 no header block */
	int32_t header_bytes; /* on the wire, CONTINUATION included; < 0 no header block */
	int32_t continuations;
	int64_t stream_dependency; /* < 0 none */
	int32_t weight;            /* 1..256; < 0 none */
	int32_t pad_length;        /* < 0 none */
	uint32_t data_length;      /* DATA: without padding */
	uint32_t promised_stream_id;
	uint32_t last_stream_id;
	uint32_t window_size_increment;
	uint32_t error_code;
	uint32_t reserved;
	uint64_t of;          /* CONTINUATION: seq of its HEADERS, 0 unknown */
	int64_t window;       /* what DATA's sender may send after it on the stream; < 0 unknown, */
	int64_t conn_window;  /* and on the connection */
	int64_t stalled_ns;   /* how long that was nothing until this frame; < 0 it was not */
	struct str data;      /* DATA, PING, GOAWAY debug data, payload of other types */
	struct str why;       /* violation: what is wrong and the RFC section */
	struct list headers;  /* struct header */
	struct list settings; /* struct setting */
};

struct rec_message {
	struct record r;
	struct context ctx;
	uint32_t stream_id;
	uint32_t index;  /* 1, 2, … per direction */
	uint32_t length; /* on the wire, without the 5-byte prefix */
	uint8_t compressed;
	uint8_t complete;
	uint8_t decoded; /* data is the decompressed message */
	uint8_t reserved;
	struct str encoding;
	struct str raw;
	struct str data;
};

enum http_what { HTTP_REQUEST, HTTP_RESPONSE, HTTP_BODY };

struct rec_http {
	struct record r;
	struct context ctx; /* of the request, on responses too */
	uint8_t what;
	uint8_t chunked;
	uint8_t keep_alive;
	uint8_t body_complete;
	uint8_t more;   /* tri: TRUE if HTTP_BODY records of the message follow, else ABSENT */
	uint8_t reserved[3];
	int32_t status; /* of an HTTP_RESPONSE; else < 0 */
	int64_t content_length; /* < 0 none */
	int64_t body_length;    /* bytes of this record's part of the body on the wire, dechunked */
	struct str version; /* "1.1" */
	struct str reason;
	struct str upgrade;
	struct str content_type;
	struct str content_encoding;
	struct str body;
	struct str why; /* what is wrong with it, if something is */
	struct list headers;
	struct list trailers;
};

struct rec_call {
	struct record r;
	struct context ctx;
	int64_t start_ns; /* epoch */
	int64_t latency_ns; /* < 0 unknown, likewise the next four */
	int64_t server_ns;
	int64_t call_queue_ns;
	int64_t duration_ns;
	int64_t timeout_ns;
	uint64_t req_bytes, resp_bytes;
	uint32_t req_messages, resp_messages;
	int64_t stream_id; /* < 0 HTTP/1 */
	int32_t status;      /* < 0 none */
	int32_t grpc_status; /* < 0 none */
	int64_t error_code;  /* h2 code of RST_STREAM or GOAWAY; < 0 none */
	uint8_t failed;
	uint8_t outcome;
	uint8_t complete;
	uint8_t reserved;
	int32_t grpc_status_likely; /* where grpc_status was sent but cannot be known; < 0 none */
	int32_t client_pid, server_pid;
	struct str client_comm, server_comm;
	struct str grpc_message;
	struct list req_headers, req_trailers;
	struct list resp_headers, resp_trailers;
};

enum call_outcome {
	OUTCOME_COMPLETE,
	OUTCOME_RESET,
	OUTCOME_GOAWAY,
	OUTCOME_CLOSED,
	OUTCOME_EVICTED,
	OUTCOME_CAPTURE_END,
	OUTCOME_COUNT,
};

enum conn_op { CONN_OPEN, CONN_PROTO, CONN_CLOSE };

struct process {
	int32_t pid; /* < 0 unknown, likewise uid */
	int32_t uid;
	uint64_t cgroup; /* 0 unknown */
	struct str comm;
	struct str exe;
};

struct rec_conn {
	struct record r;
	uint8_t op;
	uint8_t seen_open; /* 0: it was open before the capture began */
	uint8_t reserved[6];
	struct process client, server;
	uint64_t bytes_to_server, bytes_to_client;
	int64_t unread_by_server, unread_by_client; /* < 0 unknown */
	uint64_t calls, frames;
	int64_t duration_ns; /* < 0 not closed */
	struct str reason;
};

enum gap_cause {
	GAP_RINGBUF_DROP, /* the ring was full */
	GAP_TRUNCATED,    /* --snaplen */
	GAP_LATE,         /* came after the reorder window */
	GAP_DECODE_ERROR,
	GAP_HPACK_LOST,
	GAP_EVICTED,
	GAP_NOT_IN_FILE, /* TCP: sent, says the receiver, but the capture file has it not */
	GAP_UNREADABLE, /* the kernel did not let the capture copy them */
	GAP_COUNT,
};

struct rec_gap {
	struct record r;
	uint64_t bytes_missing;
	uint64_t events;
	uint32_t stream_id; /* 0 = the whole direction */
	uint8_t cause;
	uint8_t recovered;
	uint8_t reserved[2];
	struct str detail;
};

#ifndef SPF_CDEF

/* Allocates an empty batch of BATCH_LEN bytes, for users without a Lua state. Free with free(). */
struct batch *batch_new(void);

/* Makes b (a block of cap bytes) an empty batch. */
void batch_init(struct batch *b, uint32_t cap);

/* Takes n zeroed bytes, 8-byte aligned, from the batch; NULL if they do not fit. */
void *batch_alloc(struct batch *b, uint32_t n);

/* Copies bytes in. NULL data or a full batch gives the absent str; use batch_room() before. */
struct str batch_str(struct batch *b, struct bytes in);

static inline uint32_t batch_aligned(uint32_t n)
{
	return (n + BATCH_ALIGN - 1) & ~(BATCH_ALIGN - 1u);
}

/* True if n more bytes, alignment included, fit: for what belongs to a record already begun. */
static inline bool batch_fits(const struct batch *b, uint32_t n)
{
	return (((uint64_t)n + BATCH_ALIGN - 1) & ~(uint64_t)(BATCH_ALIGN - 1)) <= b->cap - b->used;
}

/* True if n more bytes, alignment included, fit and a record may be added. */
static inline bool batch_room(const struct batch *b, uint32_t n)
{
	return b->count < BATCH_RECORDS && batch_fits(b, n);
}

/* Starts a record of len bytes (sizeof(struct rec_…)) whose head is copied from *head; its
 * absent-able members must be set by the caller. NULL if it does not fit: the caller gives
 * the batch away and tries again with an empty one. */
void *batch_record(struct batch *b, uint32_t len, const struct record *head);

/* The same without a head and not zeroed: all of it is set by the caller. */
static inline void *batch_take_record(struct batch *b, uint32_t len)
{
	void *r = (char *)b + b->used;

	if (!batch_room(b, len))
		return NULL;
	b->rec[b->count++] = b->used;
	b->used += batch_aligned(len);
	return r;
}

/* memcpy, for structs of some hundred bytes: inline the compiler copies those with an instruction
 * that takes longer to start than the whole copy should. */
void batch_copy(void *to, const void *from, size_t len);

/* Undoes the newest batch_record() with everything allocated since; the batch gets a new id. */
void batch_undo(struct batch *b);

static inline struct record *batch_at(const struct batch *b, uint32_t i)
{
	return (struct record *)((char *)b + b->rec[i]);
}

/* The bytes of a str or list member; len 0 and p NULL if absent. Valid as long as the batch. */
static inline struct bytes batch_bytes(const struct batch *b, struct str s)
{
	return s.off ? bytes_of((const uint8_t *)b + s.off, s.len) : (struct bytes){ 0 };
}

static inline struct header *batch_headers(const struct batch *b, struct list l)
{
	return l.off ? (struct header *)((char *)b + l.off) : NULL;
}

static inline struct setting *batch_settings(const struct batch *b, struct list l)
{
	return l.off ? (struct setting *)((char *)b + l.off) : NULL;
}

#endif
#endif
