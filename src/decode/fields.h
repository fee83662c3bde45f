/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of fields (fields.def) as data, for printers, scripts and documents. */
#ifndef SPF_DECODE_FIELDS_H
#define SPF_DECODE_FIELDS_H

#include "decode/record.h"

enum field_type {
	T_U8, T_U32, T_U64,
	T_I32, T_I64,        /* negative = absent */
	T_SEQ,               /* unsigned, 0 = absent; u64 or u32 by its width */
	T_EPOCH,             /* int64 ns shown as seconds; negative = absent */
	T_US,                /* int64 ns shown as microseconds; negative = absent */
	T_BOOL, T_TRI,       /* u8; a tri of 2 = absent */
	T_FLAG_1, T_FLAG_4, T_FLAG_8, /* one bit of an u8 as a boolean */
	T_CUT,               /* bool: captured < length */
	T_STR, T_BYTES, T_BODY,
	T_KIND, T_ROLE, T_TRANSPORT, T_PROTO, T_WHAT, T_OUTCOME, T_CONN_OP, T_GAP_CAUSE, /* u8 by name */
	T_FRAME_TYPE,        /* u8 by name, unknown "0x2a" */
	T_ERROR, T_CALL_ERROR, /* h2 error code by name: u32; int64, negative = absent */
	T_GRPC_STATUS,       /* int32 by name, negative = absent */
	T_RPC_METHOD, T_RPC_SERVICE, /* cut from a struct context */
	T_HEADERS, T_SETTINGS, T_REQUEST, T_RESPONSE, T_PROCESS, T_CONN, T_PB, /* tables */
};

struct field {
	const char *name;
	enum field_type type;
	const char *type_name;    /* "T_U32" */
	const char *member;       /* "ctx.path" */
	const char *strukt;       /* "rec_frame" */
	uint32_t offset;          /* of the member in its struct */
	uint32_t width;           /* sizeof the member */
	uint32_t kinds;           /* bit 1 << enum record_kind */
	uint32_t frame_types;     /* bit 1 << frame type; 0 = all; bit 31: types without a bit */
	const char *otel, *wireshark;
	const char *meaning;
};

extern const struct field fields[];
extern const uint32_t fields_cnt;

/* The row of name (its own, or an alias) for a kind, or NULL. */
const struct field *field_find(const char *name, enum record_kind kind);

/* The row that applies to this very record (a frame field only on its frame types), or NULL. */
const struct field *field_of(const char *name, const struct record *r);

/* True if the field is there for a record of its kind (frame type). */
bool field_applies(const struct field *f, const struct record *r);

/* The name nearest to a mistyped one among the fields of any kind, or NULL if none is near. */
const char *field_near(const char *name);

/* Names of enumerations; never NULL, "?" past the end. */
const char *kind_name(uint32_t kind);
const char *role_name(uint32_t role);
const char *transport_name(uint32_t t);
const char *proto_name(uint32_t p);
const char *http_what_name(uint32_t what);
const char *outcome_name(uint32_t o);
const char *conn_op_name(uint32_t op);
const char *gap_cause_name(uint32_t cause);

#endif
