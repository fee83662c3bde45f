/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/http2_frame.h"

#define STREAM_ID_MASK 0x7fffffffu
#define WINDOW_MAX 0x7fffffffu

enum stream_rule { ANY_STREAM, ON_STREAM, ON_CONNECTION };

/* What a type's header must be like: its stream and the length of its payload. */
struct type_rule {
	enum stream_rule stream;
	uint32_t len_min;
	uint32_t len_max; /* 0: no maximum of its own */
	const char *stream_why;
	const char *len_why;
};

#define STREAM_RULE(name, where, section) \
	name " on " where ": connection error PROTOCOL_ERROR (RFC 9113 " section ")"

#define RULE(s, min, max, name, scope, section)                                            \
	{                                                                                  \
		s, min, max,                                                               \
		s == ON_STREAM ? STREAM_RULE(name, "stream 0", section)                    \
			       : STREAM_RULE(name, "a stream", section),                   \
		name " of a wrong length: " scope " error FRAME_SIZE_ERROR (RFC 9113 " section ")" \
	}

static const struct type_rule rules[] = {
	[H2_DATA] = RULE(ON_STREAM, 0, 0, "DATA", "stream", "§6.1"),
	[H2_HEADERS] = RULE(ON_STREAM, 0, 0, "HEADERS", "connection", "§6.2"),
	[H2_PRIORITY] = RULE(ON_STREAM, 5, 5, "PRIORITY", "stream", "§6.3"),
	[H2_RST_STREAM] = RULE(ON_STREAM, 4, 4, "RST_STREAM", "connection", "§6.4"),
	[H2_SETTINGS] = RULE(ON_CONNECTION, 0, 0, "SETTINGS", "connection", "§6.5"),
	[H2_PUSH_PROMISE] = RULE(ON_STREAM, 4, 0, "PUSH_PROMISE", "connection", "§6.6"),
	[H2_PING] = RULE(ON_CONNECTION, 8, 8, "PING", "connection", "§6.7"),
	[H2_GOAWAY] = RULE(ON_CONNECTION, 8, 0, "GOAWAY", "connection", "§6.8"),
	[H2_WINDOW_UPDATE] = RULE(ANY_STREAM, 4, 4, "WINDOW_UPDATE", "connection", "§6.9"),
	[H2_CONTINUATION] = RULE(ON_STREAM, 0, 0, "CONTINUATION", "connection", "§6.10"),
};

static void violates(struct h2_frame *f, const char *why)
{
	if (!f->why)
		f->why = why;
}

static void check_header(struct h2_frame *f)
{
	const struct type_rule *r;

	if (f->type >= sizeof(rules) / sizeof(rules[0]))
		return;
	r = &rules[f->type];
	if (r->stream == ON_STREAM ? !f->stream_id : r->stream == ON_CONNECTION && f->stream_id)
		violates(f, r->stream_why);
	if (f->length < r->len_min || (r->len_max && f->length > r->len_max))
		violates(f, r->len_why);
	if (f->type == H2_SETTINGS && f->length % 6)
		violates(f, r->len_why);
	if (f->type == H2_SETTINGS && (f->flags & H2_ACK) && f->length)
		violates(f, "SETTINGS acknowledgement with a payload: "
				"connection error FRAME_SIZE_ERROR (RFC 9113 §6.5)");
}

bool h2_frame_header(struct bytes *in, struct h2_frame *f)
{
	struct bytes b = *in, first;
	uint64_t eight; /* all but the last byte */
	uint32_t id;
	uint8_t last;

	if (b.len < H2_HEADER_LEN || !bytes_peek_u64(&b, &eight))
		return false;
	bytes_take(&b, sizeof(eight), &first);
	bytes_get_u8(&b, &last);
	id = (uint32_t)(eight << 8) | last;
	*in = b;
	*f = (struct h2_frame){
		.length = (uint32_t)(eight >> 40),
		.type = (uint8_t)(eight >> 32),
		.flags = (uint8_t)(eight >> 24),
		.stream_id = id & STREAM_ID_MASK,
		.reserved_bit = id >> 31,
		.pad_length = -1,
		.dependency = -1,
		.weight = -1,
	};
	check_header(f);
	return true;
}

/* RFC 9113 §6.1, §6.2, §6.6: padding must be shorter than what follows its length. */
static void cut_padding(struct h2_frame *f, struct bytes *in)
{
	uint8_t pad;

	if (!(f->flags & H2_PADDED))
		return;
	if (!bytes_get_u8(in, &pad)) {
		violates(f, "padded frame without a pad length: "
				"error FRAME_SIZE_ERROR (RFC 9113 §6.1)");
		return;
	}
	f->pad_length = pad;
	if (pad > in->len) {
		violates(f, "padding is longer than the payload: "
				"connection error PROTOCOL_ERROR (RFC 9113 §6.1)");
		in->len = 0;
		return;
	}
	in->len -= pad;
}

static void get_priority(struct h2_frame *f, struct bytes *in)
{
	uint32_t dependency;
	uint8_t weight;
	struct bytes b = *in;

	if (!bytes_get_u32(&b, &dependency) || !bytes_get_u8(&b, &weight)) {
		violates(f, "too short for its priority fields: "
				"connection error FRAME_SIZE_ERROR (RFC 9113 §6.2)");
		return;
	}
	*in = b;
	f->exclusive = dependency >> 31;
	f->dependency = (int32_t)(dependency & STREAM_ID_MASK);
	f->weight = weight + 1;
	if ((uint32_t)f->dependency == f->stream_id)
		violates(f, "stream depends on itself: "
				"stream error PROTOCOL_ERROR (RFC 7540 §5.3.1)");
}

static void get_settings(struct h2_frame *f, struct bytes in)
{
	uint32_t value;
	uint16_t id;

	while (h2_frame_setting(&in, &id, &value))
		if (h2_setting_violation(id, value))
			violates(f, h2_setting_violation(id, value));
}

static void get_push_promise(struct h2_frame *f, struct bytes *in)
{
	uint32_t id;

	cut_padding(f, in);
	if (!bytes_get_u32(in, &id)) {
		violates(f, "PUSH_PROMISE of a wrong length: "
				"connection error FRAME_SIZE_ERROR (RFC 9113 §6.6)");
		return;
	}
	f->promised_stream_id = id & STREAM_ID_MASK;
	if (!f->promised_stream_id || f->promised_stream_id & 1)
		violates(f, "promised stream id is not even: "
				"connection error PROTOCOL_ERROR (RFC 9113 §5.1.1, §6.6)");
}

static void get_window_update(struct h2_frame *f, struct bytes *in)
{
	uint32_t increment;

	if (!bytes_get_u32(in, &increment))
		return;
	f->increment = increment & WINDOW_MAX;
	if (!f->increment)
		violates(f, f->stream_id ? "WINDOW_UPDATE with an increment of 0: stream error "
					   "PROTOCOL_ERROR (RFC 9113 §6.9)"
					 : "WINDOW_UPDATE with an increment of 0: connection error "
					   "PROTOCOL_ERROR (RFC 9113 §6.9)");
}

static void get_goaway(struct h2_frame *f, struct bytes *in)
{
	struct bytes b = *in;
	uint32_t last;

	if (!bytes_get_u32(&b, &last) || !bytes_get_u32(&b, &f->error_code))
		return;
	f->last_stream_id = last & STREAM_ID_MASK;
	*in = b;
}

void h2_frame_payload(struct h2_frame *f, struct bytes payload)
{
	switch (f->type) {
	case H2_DATA:
		cut_padding(f, &payload);
		break;
	case H2_HEADERS:
		cut_padding(f, &payload);
		if (f->flags & H2_HAS_PRIORITY)
			get_priority(f, &payload);
		break;
	case H2_PRIORITY:
		get_priority(f, &payload);
		break;
	case H2_RST_STREAM:
		bytes_get_u32(&payload, &f->error_code);
		break;
	case H2_SETTINGS:
		get_settings(f, payload);
		break;
	case H2_PUSH_PROMISE:
		get_push_promise(f, &payload);
		break;
	case H2_GOAWAY:
		get_goaway(f, &payload);
		break;
	case H2_WINDOW_UPDATE:
		get_window_update(f, &payload);
		break;
	}
	f->content = payload;
}

bool h2_frame_data_start(struct h2_frame *f, struct bytes *in, uint32_t *body)
{
	uint8_t pad;

	*body = f->length;
	if (!(f->flags & H2_PADDED))
		return true;
	if (!f->length) {
		violates(f, "padded frame without a pad length: "
				"error FRAME_SIZE_ERROR (RFC 9113 §6.1)");
		return true;
	}
	if (!bytes_get_u8(in, &pad))
		return false;
	f->pad_length = pad;
	*body = f->length - 1;
	if (pad > *body) {
		violates(f, "padding is longer than the payload: "
				"connection error PROTOCOL_ERROR (RFC 9113 §6.1)");
		*body = 0;
	} else {
		*body -= pad;
	}
	return true;
}

bool h2_frame_setting(struct bytes *in, uint16_t *id, uint32_t *value)
{
	struct bytes b = *in;

	if (!bytes_get_u16(&b, id) || !bytes_get_u32(&b, value))
		return false;
	*in = b;
	return true;
}

const char *h2_setting_violation(uint16_t id, uint32_t value)
{
	switch (id) {
	case H2_ENABLE_PUSH:
		return value > 1 ? "ENABLE_PUSH is neither 0 nor 1: "
				"connection error PROTOCOL_ERROR (RFC 9113 §6.5.2)" : NULL;
	case H2_INITIAL_WINDOW_SIZE:
		return value > WINDOW_MAX ? "INITIAL_WINDOW_SIZE above 2^31-1: "
				"connection error FLOW_CONTROL_ERROR (RFC 9113 §6.5.2)"
					  : NULL;
	case H2_MAX_FRAME_SIZE:
		return value < H2_DEFAULT_FRAME_MAX || value > 0xffffff
			       ? "MAX_FRAME_SIZE not within 2^14 and 2^24-1: "
			         "connection error PROTOCOL_ERROR (RFC 9113 §6.5.2)"
			       : NULL;
	}
	return NULL;
}
