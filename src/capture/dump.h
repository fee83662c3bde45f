/* SPDX-License-Identifier: BSD-2-Clause */
/* Anybody's pcap or pcapng as a source: packets → segments → streams. */
#ifndef SPF_CAPTURE_DUMP_H
#define SPF_CAPTURE_DUMP_H

#include "capture/packets.h"
#include "capture/source.h"

/* Takes over p. Reads up to the first packet, so that the source's times are known. */
struct source *dump_new(struct packets *p);

#endif
