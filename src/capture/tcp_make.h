/* SPDX-License-Identifier: BSD-2-Clause */
/* The IP and TCP headers of a made-up segment. */
#ifndef SPF_CAPTURE_TCP_MAKE_H
#define SPF_CAPTURE_TCP_MAKE_H

#include "capture/link.h"

enum {
	TCP_MAKE_HEAD = 60,             /* IPv6 and TCP */
	TCP_MAKE_DATA = 65535 - 40,     /* what one IPv4 packet holds */
};

/* Writes the headers of s (with s->len bytes of s->data following) to out; checksums are right.
 * Returns their length. */
size_t tcp_make(const struct segment *s, uint8_t out[TCP_MAKE_HEAD]);

#endif
