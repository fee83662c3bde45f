/* SPDX-License-Identifier: BSD-2-Clause */
/* The numbers of HTTP/2 and gRPC by the names that their specifications give them.
 * All strings are static; NULL means that the number has no name. */
#ifndef SPF_DECODE_NAMES_H
#define SPF_DECODE_NAMES_H

#include <stdint.h>

/* Frame types, RFC 9113 §6. */
enum h2_type {
	H2_DATA = 0x0,
	H2_HEADERS = 0x1,
	H2_PRIORITY = 0x2,
	H2_RST_STREAM = 0x3,
	H2_SETTINGS = 0x4,
	H2_PUSH_PROMISE = 0x5,
	H2_PING = 0x6,
	H2_GOAWAY = 0x7,
	H2_WINDOW_UPDATE = 0x8,
	H2_CONTINUATION = 0x9,
	H2_ALTSVC = 0xa,           /* RFC 7838 §4 */
	H2_ORIGIN = 0xc,           /* RFC 8336 §2 */
	H2_PRIORITY_UPDATE = 0x10, /* RFC 9218 §7.1 */
};

/* DATA … CONTINUATION (RFC 9113 §6), ALTSVC (RFC 7838), ORIGIN (RFC 8336), PRIORITY_UPDATE
 * (RFC 9218). */
const char *names_frame_type(uint32_t type);

/* What the bit (1, 4, 8, 0x20 …) of the flags of a frame of that type is called. */
const char *names_flag(uint32_t type, uint8_t bit);

/* NO_ERROR … HTTP_1_1_REQUIRED, RFC 9113 §7. */
const char *names_error(uint32_t code);

/* HEADER_TABLE_SIZE …, RFC 9113 §6.5.2, RFC 8441, RFC 9218. */
const char *names_setting(uint32_t id);

/* OK … UNAUTHENTICATED, the status codes of gRPC's core library. */
const char *names_grpc_status(uint32_t code);

/* Reason phrase of an HTTP status, RFC 9110 §15. */
const char *names_http_status(uint32_t status);

/* Room for what names_or_hex() and names_or_number() make of any number. */
enum { NAMES_LEN = 12 };

/* name, or if it is NULL the number as 0x2a (or 42) in room. */
const char *names_or_hex(const char *name, uint32_t number, char room[NAMES_LEN]);
const char *names_or_number(const char *name, uint32_t number, char room[NAMES_LEN]);

#endif
