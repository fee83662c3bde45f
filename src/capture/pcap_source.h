/* SPDX-License-Identifier: BSD-2-Clause */
/* Anybody's pcap or pcapng as a source: packets → segments → streams. */
#ifndef SPF_CAPTURE_PCAP_SOURCE_H
#define SPF_CAPTURE_PCAP_SOURCE_H

#include "capture/packets.h"
#include "capture/source.h"

/* Takes over p. Reads up to the first packet, so that the source's times are known. */
struct source *pcap_source_new(struct packets *p);

#endif
