/* SPDX-License-Identifier: BSD-2-Clause */
/* From a captured packet to its TCP segment: link layers (Ethernet, Linux cooked v1 and v2,
 * null, loop, raw), VLAN tags, IPv4, IPv6 with extension headers.
 */
#ifndef SPF_CAPTURE_LINK_H
#define SPF_CAPTURE_LINK_H

#include "capture/chunk.h"

enum link_class {
	LINK_TCP,
	LINK_FRAGMENT,  /* of an IP packet: its TCP header is elsewhere */
	LINK_UDP,
	LINK_ICMP,
	LINK_ARP,
	LINK_OTHER_IP,  /* another protocol over IP */
	LINK_OTHER,     /* another protocol over the link */
	LINK_CUT,       /* the capture's snaplen cut the headers */
	LINK_MALFORMED,
	LINK_UNKNOWN,   /* a link layer that spf does not read */
	LINK_CLASS_CNT,
};

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

struct segment {
	struct chunk_net src, dst;
	uint32_t seq, ack;
	uint8_t flags;
	struct bytes data; /* captured; into the packet */
	uint32_t len;      /* sent: data.len or more */
};

/* packet: captured bytes of wire_len. *out is set if it is LINK_TCP. */
enum link_class link_parse(uint32_t linktype, struct bytes packet, uint32_t wire_len,
			   struct segment *out);

/* For messages: "IP fragments". */
const char *link_class_name(enum link_class c);

/* True if spf reads packets of that link layer. */
bool link_is_known(uint32_t linktype);

#endif
