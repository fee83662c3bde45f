/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/fields.h"

#include <stddef.h>
#include <string.h>

#include "util/near.h"

#define K(kind)	  K_##kind
#define K_chunk	  (1u << KIND_CHUNK)
#define K_conn	  (1u << KIND_CONN)
#define K_frame	  (1u << KIND_FRAME)
#define K_message (1u << KIND_MESSAGE)
#define K_http	  (1u << KIND_HTTP)
#define K_call	  (1u << KIND_CALL)
#define K_gap	  (1u << KIND_GAP)
#define ALL	  ((1u << KIND_COUNT) - 1)
#define STREAM	  (K(frame) | K(message) | K(http) | K(call))

#define FT(type)	 FT_##type
#define FT_DATA		 (1u << 0x0)
#define FT_HEADERS	 (1u << 0x1)
#define FT_PRIORITY	 (1u << 0x2)
#define FT_RST_STREAM	 (1u << 0x3)
#define FT_SETTINGS	 (1u << 0x4)
#define FT_PUSH_PROMISE	 (1u << 0x5)
#define FT_PING		 (1u << 0x6)
#define FT_GOAWAY	 (1u << 0x7)
#define FT_WINDOW_UPDATE (1u << 0x8)
#define FT_CONTINUATION	 (1u << 0x9)
#define FT_OTHER	 (1u << 31)
#define FT_NAMED_MAX	 0x9u /* types up to here have a bit of their own */

#define TEXT_OF(x) #x
#define TEXT(x)	   TEXT_OF(x)

/* S, the struct of the section of fields.def, is expanded when a row is. */
#define FIELD(kinds_, name_, type_, member_, frame_types_, otel_, wireshark_, meaning_)            \
	{                                                                                          \
		.name = #name_,                                                                    \
		.type = type_,                                                                     \
		.type_name = #type_,                                                               \
		.member = #member_,                                                                \
		.strukt = TEXT(S),                                                                 \
		.offset = offsetof(struct S, member_),                                             \
		.width = sizeof(((struct S *)0)->member_),                                         \
		.kinds = kinds_,                                                                   \
		.frame_types = frame_types_,                                                       \
		.otel = otel_,                                                                     \
		.wireshark = wireshark_,                                                           \
		.meaning = meaning_,                                                               \
	},

const struct field fields[] = {
#include "decode/fields.def"
};

const uint32_t fields_cnt = sizeof(fields) / sizeof(fields[0]);

static uint32_t frame_type_bit(const struct record *r)
{
	uint8_t type = ((const struct rec_frame *)r)->type;

	return type <= FT_NAMED_MAX ? 1u << type : FT_OTHER;
}

bool field_applies(const struct field *f, const struct record *r)
{
	if (!(f->kinds >> r->kind & 1))
		return false;
	return !f->frame_types || r->kind != KIND_FRAME || (f->frame_types & frame_type_bit(r));
}

static bool is_called(const struct field *f, const char *name)
{
	return strcmp(f->name, name) == 0 || (f->otel[0] && strcmp(f->otel, name) == 0) ||
	       (f->wireshark[0] && strcmp(f->wireshark, name) == 0);
}

const struct field *field_find(const char *name, enum record_kind kind)
{
	for (uint32_t i = 0; i < fields_cnt; i++) {
		if ((fields[i].kinds >> kind & 1) && is_called(&fields[i], name))
			return &fields[i];
	}
	return NULL;
}

const struct field *field_of(const char *name, const struct record *r)
{
	for (uint32_t i = 0; i < fields_cnt; i++) {
		if (field_applies(&fields[i], r) && is_called(&fields[i], name))
			return &fields[i];
	}
	return NULL;
}

const char *field_near(const char *name)
{
	struct near best = { NULL, 0 };

	for (uint32_t i = 0; i < fields_cnt; i++)
		near_offer(&best, name, fields[i].name);
	return best.name;
}

/* Looks a value up among the names of an enumeration. */
#define ENUM_NAME(value, ...) enum_name((const char *const[]){ __VA_ARGS__, NULL }, value)

static const char *enum_name(const char *const *names, uint32_t value)
{
	while (*names && value--)
		names++;
	return *names ? *names : "?";
}

const char *kind_name(uint32_t kind)
{
	return ENUM_NAME(kind, "chunk", "conn", "frame", "message", "http", "call", "gap");
}

const char *role_name(uint32_t role)
{
	return ENUM_NAME(role, "unknown", "client", "server");
}

const char *transport_name(uint32_t t)
{
	return ENUM_NAME(t, "unix", "tcp");
}

const char *proto_name(uint32_t p)
{
	return ENUM_NAME(p, "unknown", "h2", "http/1.1");
}

const char *http_what_name(uint32_t what)
{
	return ENUM_NAME(what, "request", "response", "body");
}

const char *outcome_name(uint32_t o)
{
	return ENUM_NAME(o, "complete", "reset", "goaway", "closed", "evicted", "capture_end");
}

const char *conn_op_name(uint32_t op)
{
	return ENUM_NAME(op, "open", "proto", "close");
}

const char *gap_cause_name(uint32_t cause)
{
	return ENUM_NAME(cause, "ringbuf_drop", "truncated", "late", "decode_error", "hpack_lost",
			 "evicted", "not_in_file", "unreadable");
}
