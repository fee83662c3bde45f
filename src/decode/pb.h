/* SPDX-License-Identifier: BSD-2-Clause */
/* Protobuf without a schema: what can be told of a message from its bytes alone.
 *
 *     key = number << 3 | wire        wire 0 varint, 1 eight bytes, 2 length + bytes,
 *     key value key value …                3 and 4 a group's begin and end, 5 four bytes
 *
 * pb_walk_next() goes through a message and into what is plausibly a message within it. What a
 * length-delimited field holds (text, message, packed numbers, bytes) is a guess, and said to be.
 * Encoding: the protobuf project's encoding document.
 */
#ifndef SPF_DECODE_PB_H
#define SPF_DECODE_PB_H

#include "util/bytes.h"
#include "util/limits.h"

enum pb_wire {
	PB_WIRE_VARINT = 0,
	PB_WIRE_FIXED64 = 1,
	PB_WIRE_LEN = 2,
	PB_WIRE_BEGIN = 3,
	PB_WIRE_END = 4,
	PB_WIRE_FIXED32 = 5,
};

struct pb_field {
	uint32_t number;
	enum pb_wire wire;
	uint64_t value;     /* varint, fixed32, fixed64: the bits */
	struct bytes bytes; /* LEN */
};

enum pb_guess {
	PB_EMPTY,
	PB_TEXT,    /* UTF-8 without control characters but tab and line ends */
	PB_MESSAGE,
	PB_PACKED,  /* two varints or more, each in its shortest form and below 2^32 */
	PB_BYTES,
};

/* Reads a varint off the front; false (and no change) if there is none or it has more than
 * 64 bits. */
bool pb_get_varint(struct bytes *in, uint64_t *v);

/* The value of a sint32 or sint64. */
int64_t pb_zigzag(uint64_t v);

/* Cuts the next field off the front, not descending. Groups appear as their begin and end.
 * Returns 1, 0 at the end of in, -EPROTO if what is there is no field. */
int pb_next(struct bytes *in, struct pb_field *out);

/* What the bytes of a LEN field most likely are. */
enum pb_guess pb_guess(struct bytes in);

/* True if in is a message from start to end: known wires, numbers in range, groups balanced. */
bool pb_is_message(struct bytes in);

enum pb_what {
	PB_FIELD,
	PB_BEGIN, /* a message or group; its fields follow, then PB_END */
	PB_END,
};

struct pb_item {
	enum pb_what what;
	enum pb_guess guess; /* of a LEN field */
	struct pb_field field;
	uint32_t depth;      /* 0 = a field of the outermost message */
};

/* A walk through a message. Borrowed bytes; nothing to release. */
struct pb_walk {
	uint32_t depth;
	struct {
		struct bytes rest;
		uint32_t group; /* number of the group, 0 = a message */
	} level[LIMIT_PB_DEPTH];
};

void pb_walk_init(struct pb_walk *w, struct bytes message);

/* Gives the next item; past LIMIT_PB_DEPTH messages stay fields of guess PB_MESSAGE.
 * Returns 1, 0 at the end, -EPROTO where the bytes stop to be protobuf: every PB_BEGIN has had
 * its PB_END by then only if 0 is returned. */
int pb_walk_next(struct pb_walk *w, struct pb_item *out);

#endif
