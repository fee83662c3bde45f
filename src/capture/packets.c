/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/packets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool packets_look_like(struct bytes head)
{
	uint32_t magic;

	if (!bytes_get_u32(&head, &magic))
		return false;
	switch (magic) {
	case 0xa1b2c3d4: /* microseconds */
	case 0xd4c3b2a1:
	case 0xa1b23c4d: /* nanoseconds */
	case 0x4d3cb2a1:
	case 0x0a0d0d0a: /* pcapng: the same in both byte orders */
		return true;
	}
	return false;
}

void packets_init(struct packets *p, struct input *in)
{
	*p = (struct packets){ .in = *in };
	p->read = input_bytes(in).p[0] == 0x0a ? pcapng_read : pcap_head;
}

void packets_release(struct packets *p)
{
	input_release(&p->in);
	free(p->ifs);
	p->ifs = NULL;
}

int packets_next(struct packets *p, struct packet *out)
{
	input_skip(&p->in, p->pass);
	p->pass = 0;
	return p->read(p, out);
}

int packets_bad(struct packets *p, const char *what)
{
	snprintf(p->why, sizeof(p->why), "offset %llu: %s", (unsigned long long)p->in.off, what);
	return -EBADMSG;
}

int packets_need(struct packets *p, size_t n, const char *what)
{
	int rc = input_need(&p->in, n);
	char text[120];

	if (rc == 1 || rc == -EAGAIN)
		return rc;
	if (rc < 0) {
		packets_bad(p, strerror(-rc));
		return rc;
	}
	if (!p->in.len)
		return -ENODATA;
	snprintf(text, sizeof(text), "the file ends inside of %s: %zu of %zu bytes", what, p->in.len, n);
	return packets_bad(p, text);
}
