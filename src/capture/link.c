/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/link.h"

/* https://www.tcpdump.org/linktypes.html */
enum {
	LINKTYPE_NULL = 0,
	LINKTYPE_ETHERNET = 1,
	LINKTYPE_RAW_BSD = 12,
	LINKTYPE_RAW_OPENBSD = 14,
	LINKTYPE_RAW = 101,
	LINKTYPE_LOOP = 108,
	LINKTYPE_LINUX_SLL = 113,
	LINKTYPE_IPV4 = 228,
	LINKTYPE_IPV6 = 229,
	LINKTYPE_LINUX_SLL2 = 276,
};

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_QINQ_OLD = 0x9100,
};

enum {
	IP_HOPOPTS = 0, IP_ICMP = 1, IP_TCP = 6, IP_UDP = 17, IP_ROUTING = 43, IP_FRAGMENT = 44,
	IP_AH = 51, IP_ICMPV6 = 58, IP_DSTOPTS = 60, IP_MOBILITY = 135, IP_HIP = 139, IP_SHIM6 = 140,
};

/* What is left of a packet: the captured bytes, and how many there were on the wire. */
struct rest {
	struct bytes b;
	uint32_t wire;
};

static bool pass(struct rest *r, size_t n)
{
	struct bytes head;

	if (r->wire < n || !bytes_take(&r->b, n, &head))
		return false;
	r->wire -= (uint32_t)n;
	return true;
}

/* The packet has n bytes, says its IP header: more is padding, fewer a cut that the capture does
 * not tell. */
static void limit(struct rest *r, uint32_t n)
{
	r->wire = n;
	if (r->b.len > n)
		r->b.len = n;
}

/* Too short: cut by the capture, or never whole. */
static enum link_class too_short(const struct rest *r)
{
	return r->b.len < r->wire ? LINK_CUT : LINK_MALFORMED;
}

/* RFC 9293 §3.1 */
static enum link_class parse_tcp(struct rest *r, struct segment *out)
{
	struct bytes b = r->b;
	uint16_t window, checksum, urgent;
	uint8_t offset;

	if (!bytes_get_u16(&b, &out->src.port) || !bytes_get_u16(&b, &out->dst.port) ||
	    !bytes_get_u32(&b, &out->seq) || !bytes_get_u32(&b, &out->ack) ||
	    !bytes_get_u8(&b, &offset) || !bytes_get_u8(&b, &out->flags) ||
	    !bytes_get_u16(&b, &window) || !bytes_get_u16(&b, &checksum) ||
	    !bytes_get_u16(&b, &urgent))
		return too_short(r);
	offset = (uint8_t)(offset >> 4) * 4;
	if (offset < 20 || offset > r->wire)
		return LINK_MALFORMED;
	if (!pass(r, offset))
		return LINK_CUT;
	out->data = r->b;
	out->len = r->wire;
	return LINK_TCP;
}

static enum link_class parse_transport(uint8_t proto, struct rest *r, struct segment *out)
{
	switch (proto) {
	case IP_TCP:
		return parse_tcp(r, out);
	case IP_UDP:
		return LINK_UDP;
	case IP_ICMP:
	case IP_ICMPV6:
		return LINK_ICMP;
	}
	return LINK_OTHER_IP;
}

/* RFC 791 §3.1. A total length of 0 is a GSO packet that was captured before it was cut. */
static enum link_class parse_ipv4(struct rest *r, struct segment *out)
{
	struct bytes b = r->b, src, dst, skipped;
	uint16_t total, frag;
	uint8_t head, proto;
	uint32_t head_len;

	if (!bytes_get_u8(&b, &head) || !bytes_take(&b, 1, &skipped) || !bytes_get_u16(&b, &total) ||
	    !bytes_take(&b, 2, &skipped) || !bytes_get_u16(&b, &frag) ||
	    !bytes_take(&b, 1, &skipped) || !bytes_get_u8(&b, &proto) ||
	    !bytes_take(&b, 2, &skipped) || !bytes_take(&b, 4, &src) || !bytes_take(&b, 4, &dst))
		return too_short(r);
	head_len = (head & 15u) * 4;
	if (head >> 4 != 4 || head_len < 20 || (total && total < head_len))
		return LINK_MALFORMED;
	if (total)
		limit(r, total);
	if (frag & 0x3fff) /* more fragments, or an offset */
		return LINK_FRAGMENT;
	if (!pass(r, head_len))
		return too_short(r);
	out->src = (struct chunk_net){ .family = 4 };
	out->dst = (struct chunk_net){ .family = 4 };
	memcpy(out->src.ip, src.p, 4);
	memcpy(out->dst.ip, dst.p, 4);
	return parse_transport(proto, r, out);
}

/* RFC 8200 §4: passes extension headers up to the transport. */
static enum link_class parse_extensions(uint8_t proto, struct rest *r, struct segment *out)
{
	for (;;) {
		struct bytes b = r->b;
		uint8_t next, len;
		uint16_t frag;

		switch (proto) {
		case IP_HOPOPTS:
		case IP_ROUTING:
		case IP_DSTOPTS:
		case IP_MOBILITY:
		case IP_HIP:
		case IP_SHIM6:
		case IP_AH:
		case IP_FRAGMENT:
			break;
		default:
			return parse_transport(proto, r, out);
		}
		if (!bytes_get_u8(&b, &next) || !bytes_get_u8(&b, &len) || !bytes_get_u16(&b, &frag))
			return too_short(r);
		/* a "fragment" of offset 0 without more to come is whole: RFC 6946 */
		if (proto == IP_FRAGMENT && frag & 0xfff9)
			return LINK_FRAGMENT;
		if (!pass(r, proto == IP_FRAGMENT ? 8 : proto == IP_AH ? (len + 2u) * 4 : (len + 1u) * 8))
			return too_short(r);
		proto = next;
	}
}

/* RFC 8200 §3. A payload length of 0 is a jumbogram (RFC 2675) or GSO. */
static enum link_class parse_ipv6(struct rest *r, struct segment *out)
{
	struct bytes b = r->b, src, dst;
	uint32_t version;
	uint16_t payload;
	uint8_t next, hops;

	if (!bytes_get_u32(&b, &version) || !bytes_get_u16(&b, &payload) ||
	    !bytes_get_u8(&b, &next) || !bytes_get_u8(&b, &hops) || !bytes_take(&b, 16, &src) ||
	    !bytes_take(&b, 16, &dst))
		return too_short(r);
	if (version >> 28 != 6)
		return LINK_MALFORMED;
	pass(r, 40);
	if (payload)
		limit(r, payload);
	out->src = (struct chunk_net){ .family = 6 };
	out->dst = (struct chunk_net){ .family = 6 };
	memcpy(out->src.ip, src.p, 16);
	memcpy(out->dst.ip, dst.p, 16);
	return parse_extensions(next, r, out);
}

static enum link_class parse_ip(struct rest *r, struct segment *out)
{
	struct bytes b = r->b;
	uint8_t head;

	if (!bytes_get_u8(&b, &head))
		return too_short(r);
	return head >> 4 == 6 ? parse_ipv6(r, out) : parse_ipv4(r, out);
}

static enum link_class parse_ethertype(uint16_t type, struct rest *r, struct segment *out)
{
	while (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD) {
		struct bytes b = r->b;
		uint16_t tag;

		if (!bytes_get_u16(&b, &tag) || !bytes_get_u16(&b, &type) || !pass(r, 4))
			return too_short(r);
	}
	switch (type) {
	case ETHERTYPE_IPV4:
		return parse_ipv4(r, out);
	case ETHERTYPE_IPV6:
		return parse_ipv6(r, out);
	case ETHERTYPE_ARP:
		return LINK_ARP;
	}
	return LINK_OTHER;
}

/* A link header of head_len bytes with the ethertype at type_at. */
static enum link_class parse_typed(struct rest *r, size_t head_len, size_t type_at,
				   struct segment *out)
{
	struct bytes b = r->b, skipped;
	uint16_t type;

	if (!bytes_take(&b, type_at, &skipped) || !bytes_get_u16(&b, &type) || !pass(r, head_len))
		return too_short(r);
	return parse_ethertype(type, r, out);
}

/* The address family of the capturing host in its byte order (null) or in network order (loop);
 * IPv6 has three numbers among the BSDs. */
static enum link_class parse_family(struct rest *r, struct segment *out)
{
	struct bytes b = r->b;
	uint32_t family;

	if (!bytes_get_u32(&b, &family) || !pass(r, 4))
		return too_short(r);
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	switch (family) {
	case 2:
		return parse_ipv4(r, out);
	case 10:
	case 24:
	case 28:
	case 30:
		return parse_ipv6(r, out);
	}
	return LINK_OTHER;
}

enum link_class link_parse(uint32_t linktype, struct bytes packet, uint32_t wire_len,
			   struct segment *out)
{
	struct rest r = { packet, wire_len };

	switch (linktype) {
	case LINKTYPE_ETHERNET:
		return parse_typed(&r, 14, 12, out);
	case LINKTYPE_LINUX_SLL:
		return parse_typed(&r, 16, 14, out);
	case LINKTYPE_LINUX_SLL2:
		return parse_typed(&r, 20, 0, out);
	case LINKTYPE_NULL:
	case LINKTYPE_LOOP:
		return parse_family(&r, out);
	case LINKTYPE_RAW:
	case LINKTYPE_RAW_BSD:
	case LINKTYPE_RAW_OPENBSD:
	case LINKTYPE_IPV4:
	case LINKTYPE_IPV6:
		return parse_ip(&r, out);
	}
	return LINK_UNKNOWN;
}

bool link_is_known(uint32_t linktype)
{
	struct segment s;

	return link_parse(linktype, bytes_of(NULL, 0), 0, &s) != LINK_UNKNOWN;
}

const char *link_class_name(enum link_class c)
{
	static const char *const names[] = {
		[LINK_TCP] = "TCP",
		[LINK_FRAGMENT] = "IP fragments",
		[LINK_UDP] = "UDP",
		[LINK_ICMP] = "ICMP",
		[LINK_ARP] = "ARP",
		[LINK_OTHER_IP] = "other IP protocols",
		[LINK_OTHER] = "no IP",
		[LINK_CUT] = "cut in their headers",
		[LINK_MALFORMED] = "malformed",
		[LINK_UNKNOWN] = "of a link layer that spf does not read",
	};

	return names[c];
}
