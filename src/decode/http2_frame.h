/* SPDX-License-Identifier: BSD-2-Clause */
/* One HTTP/2 frame (RFC 9113 §4.1, §6): its header, the fields of its payload, and what in it
 * breaks the RFC whatever came before it.
 *
 *     length 24 | type 8 | flags 8 | R 1, stream id 31 | payload
 */
#ifndef SPF_DECODE_HTTP2_FRAME_H
#define SPF_DECODE_HTTP2_FRAME_H

#include "decode/names.h"
#include "util/bytes.h"

enum { H2_HEADER_LEN = 9, H2_DEFAULT_FRAME_MAX = 16384 };

#define H2_PREFACE BYTES_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

enum h2_flag {
	H2_END_STREAM = 0x1,
	H2_ACK = 0x1,
	H2_END_HEADERS = 0x4,
	H2_PADDED = 0x8,
	H2_HAS_PRIORITY = 0x20,
};

enum h2_setting {
	H2_HEADER_TABLE_SIZE = 1,
	H2_ENABLE_PUSH = 2,
	H2_MAX_CONCURRENT_STREAMS = 3,
	H2_INITIAL_WINDOW_SIZE = 4,
	H2_MAX_FRAME_SIZE = 5,
};

struct h2_frame {
	uint32_t length;
	uint8_t type;
	uint8_t flags;
	bool reserved_bit;      /* R was set */
	bool exclusive;         /* as the fields below */
	uint32_t stream_id;

	/* set by h2_frame_payload(), for the types that have them */
	int32_t pad_length;     /* < 0 none */
	struct bytes content;   /* without padding and the fields below: DATA, a header block
	                         * fragment, opaque or debug data, settings, anything unknown */
	int32_t dependency;     /* < 0 none; HEADERS with the PRIORITY flag, PRIORITY */
	int32_t weight;         /* 1..256, < 0 none */
	uint32_t promised_stream_id;
	uint32_t last_stream_id;
	uint32_t increment;
	uint32_t error_code;

	const char *why; /* first violation found, static text with the section; NULL none */
};

/* Cuts the 9 bytes of a frame header off in; false if there are fewer. Sets all of *f. */
bool h2_frame_header(struct bytes *in, struct h2_frame *f);

/* Splits the payload of a frame (f->length bytes, of any type) into f's fields. A payload too
 * short for its type leaves the fields absent and says so in f->why. */
void h2_frame_payload(struct h2_frame *f, struct bytes payload);

/* Cuts the pad length off the front of a DATA payload of which more may come, and gives in
 * *body how many bytes follow before the padding. False if that first byte is not there yet. */
bool h2_frame_data_start(struct h2_frame *f, struct bytes *in, uint32_t *body);

/* The next identifier and value of a SETTINGS payload; false at its end. */
bool h2_frame_setting(struct bytes *in, uint16_t *id, uint32_t *value);

/* What is wrong with a setting's value, or NULL (RFC 9113 §6.5.2). */
const char *h2_setting_violation(uint16_t id, uint32_t value);

#endif
