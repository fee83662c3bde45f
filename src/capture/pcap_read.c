/* SPDX-License-Identifier: BSD-2-Clause */
/* The classic pcap file:
 *
 *     magic(4) major(2) minor(2) zone(4) sigfigs(4) snaplen(4) link(4)      once
 *     seconds(4) fraction(4) captured(4) length(4) bytes[captured]          a packet
 */
#include "capture/packets.h"

#include <errno.h>
#include <stdio.h>

#include "util/limits.h"
#include "util/xalloc.h"

#define HEAD_LEN 24
#define RECORD_LEN 16

int pcap_head(struct packets *p, struct packet *out)
{
	int rc = packets_need(p, HEAD_LEN, "the header of a pcap");
	uint32_t magic = 0, skipped, link = 0;
	struct bytes b;

	if (rc != 1)
		return rc;
	b = input_bytes(&p->in);
	bytes_get_u32(&b, &magic);
	p->is_little = (magic & 0xff) == 0xa1;
	p->is_nano = magic == 0xa1b23c4d || magic == 0x4d3cb2a1;
	for (int i = 0; i < 4; i++)
		packets_get32(p, &b, &skipped);
	packets_get32(p, &b, &link);
	p->ifs = xcalloc(1, sizeof(*p->ifs));
	p->ifs[0].link = link & 0xffff; /* above: the length of a frame check sequence */
	p->if_cnt = 1;
	input_skip(&p->in, HEAD_LEN);
	p->read = pcap_read;
	return pcap_read(p, out);
}

int pcap_read(struct packets *p, struct packet *out)
{
	uint32_t sec = 0, frac = 0, len = 0, wire_len = 0;
	struct bytes b;
	char text[80];
	int rc = packets_need(p, RECORD_LEN, "the header of a packet");

	if (rc != 1)
		return rc;
	b = input_bytes(&p->in);
	packets_get32(p, &b, &sec);
	packets_get32(p, &b, &frac);
	packets_get32(p, &b, &len);
	packets_get32(p, &b, &wire_len);
	if (len > LIMIT_PACKET_LEN) {
		snprintf(text, sizeof(text), "a packet of %u bytes: this is no packet header", len);
		return packets_bad(p, text);
	}
	rc = packets_need(p, RECORD_LEN + len, "a packet");
	if (rc != 1)
		return rc;
	b = input_bytes(&p->in);
	*out = (struct packet){ .kind = PACKET_DATA, .link = p->ifs[0].link };
	bytes_take(&b, RECORD_LEN, &out->data);
	bytes_take(&b, len, &out->data);
	out->wire_len = wire_len > len ? wire_len : len;
	out->ts_ns = (int64_t)sec * 1000000000 + (int64_t)frac * (p->is_nano ? 1 : 1000);
	p->pass = RECORD_LEN + len;
	return 1;
}
