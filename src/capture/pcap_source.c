/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/pcap_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/link.h"
#include "capture/tcp.h"
#include "util/log.h"
#include "util/xalloc.h"

struct pcap_source {
	struct source s;
	struct packets packets;
	struct packet ahead;  /* the first packet, read to learn when the capture began */
	int ahead_rc;
	bool has_ahead;
	int end;              /* why there are no more packets; 0 = there are */
	struct tcp *tcp;
	uint64_t cnt[LINK_CLASS_CNT];
	int64_t ts_ns;
};

/* One line about what was no TCP, and one about what is missing of it. */
static void report(const struct pcap_source *d)
{
	struct tcp_counts n = tcp_counts(d->tcp);
	struct buf text = { 0 };

	for (int i = 0; i < LINK_CLASS_CNT; i++)
		if (i != LINK_TCP && d->cnt[i])
			buf_printf(&text, "%s %llu %s", text.len ? "," : "",
				   (unsigned long long)d->cnt[i], link_class_name(i));
	if (text.len)
		log_info("packets that spf passes over:%.*s", (int)text.len, buf_bytes(&text).p);
	buf_release(&text);
	if (n.lost || n.after_end || n.ignored)
		log_info("TCP: %llu bytes are not in the file, %llu after an end, "
			 "%llu segments out of any window",
			 (unsigned long long)n.lost, (unsigned long long)n.after_end,
			 (unsigned long long)n.ignored);
	log_debug("TCP: %llu segments, %llu bytes, %llu sent again", (unsigned long long)n.segments,
		  (unsigned long long)n.bytes, (unsigned long long)n.again);
}

static int next_packet(struct pcap_source *d, struct packet *out)
{
	int rc;

	if (d->has_ahead) {
		d->has_ahead = false;
		*out = d->ahead;
		return d->ahead_rc;
	}
	do
		rc = packets_next(&d->packets, out);
	while (rc == 1 && out->kind != PACKET_DATA);
	return rc;
}

static int pcap_source_next(struct source *s, struct chunk *out, int64_t *settled_ns)
{
	struct pcap_source *d = (struct pcap_source *)s;
	enum link_class class;
	struct segment seg;
	struct packet p;
	int rc;

	while (!tcp_next(d->tcp, out)) {
		if (d->end)
			return d->end;
		rc = next_packet(d, &p);
		if (rc == -EAGAIN) {
			*settled_ns = d->ts_ns;
			return 0;
		}
		if (rc != 1) {
			tcp_finish(d->tcp);
			report(d);
			d->end = rc;
			d->s.why = d->packets.why;
			continue;
		}
		d->ts_ns = p.ts_ns;
		class = link_parse(p.link, p.data, p.wire_len, &seg);
		d->cnt[class]++;
		if (class == LINK_TCP)
			tcp_push(d->tcp, &seg, p.ts_ns);
	}
	return 1;
}

static void pcap_source_wait(struct source *s, int timeout_ms)
{
	input_wait(&((struct pcap_source *)s)->packets.in, timeout_ms);
}

static void pcap_source_free(struct source *s)
{
	struct pcap_source *d = (struct pcap_source *)s;

	tcp_free(d->tcp);
	packets_release(&d->packets);
	free(d);
}

struct source *pcap_source_new(struct packets *p)
{
	static const struct source_ops ops = { pcap_source_next, pcap_source_wait, pcap_source_free };
	struct pcap_source *d = xcalloc(1, sizeof(*d));

	d->s = (struct source){ .ops = &ops, .is_ordered = true };
	d->packets = *p;
	d->s.file = &d->packets.in;
	d->tcp = tcp_new();
	d->ahead_rc = next_packet(d, &d->ahead);
	d->has_ahead = d->ahead_rc != -EAGAIN;
	if (d->ahead_rc == 1)
		d->s.start_ns = d->ahead.ts_ns;
	return &d->s;
}
