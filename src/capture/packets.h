/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets out of pcap and pcapng files: both byte orders, micro- and nanoseconds, several
 * interfaces and sections. Blocks of other kinds are passed over.
 *
 * Sources: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
 */
#ifndef SPF_CAPTURE_PACKETS_H
#define SPF_CAPTURE_PACKETS_H

#include "capture/input.h"

enum packet_kind {
	PACKET_SECTION, /* a pcapng section begins; comment */
	PACKET_DATA,
	PACKET_STATS,   /* interface statistics; comment and ts_ns */
};

struct packet {
	enum packet_kind kind;
	int64_t ts_ns;        /* epoch */
	uint32_t link;        /* LINKTYPE_… */
	uint32_t wire_len;    /* bytes on the wire */
	struct bytes data;    /* bytes captured, at most wire_len */
	struct bytes comment; /* the first one */
};

struct interface {
	uint32_t link;
	uint32_t snaplen;  /* 0 = none */
	uint8_t resol;     /* if_tsresol */
	uint32_t tick_ns;  /* of the usual resolutions, 0 = one that needs care */
	int64_t offset_s;  /* if_tsoffset */
};

struct packets {
	struct input in;
	int (*read)(struct packets *p, struct packet *out);
	bool is_little;    /* of the file's header or the section */
	bool is_nano;      /* pcap */
	struct interface *ifs;
	size_t if_cnt;
	size_t pass;       /* bytes of the block that was given last */
	char why[160];
};

/* True if a file that begins so is a pcap or pcapng. */
bool packets_look_like(struct bytes head);

/* Takes over in, whose first bytes packets_look_like(). */
void packets_init(struct packets *p, struct input *in);
void packets_release(struct packets *p);

/* Returns 1 with *out set (valid until the next call), -ENODATA at the end, -EAGAIN if a pipe
 * has no more now, -EBADMSG with p->why set ("offset 24: …"), or another -errno of read(2). */
int packets_next(struct packets *p, struct packet *out);

/* The readers of the two formats, for packets_init(). */
int pcap_read(struct packets *p, struct packet *out);
int pcap_head(struct packets *p, struct packet *out);
int pcapng_read(struct packets *p, struct packet *out);

/* For both: a 16- or 32-bit integer in the file's byte order off the front of *b. */
static inline bool packets_get16(const struct packets *p, struct bytes *b, uint16_t *v)
{
	if (!bytes_get_u16(b, v))
		return false;
	if (p->is_little)
		*v = __builtin_bswap16(*v);
	return true;
}

static inline bool packets_get32(const struct packets *p, struct bytes *b, uint32_t *v)
{
	if (!bytes_get_u32(b, v))
		return false;
	if (p->is_little)
		*v = __builtin_bswap32(*v);
	return true;
}

/* Makes n bytes visible: 1, -ENODATA at a clean end, -EBADMSG if the file ends inside. */
int packets_need(struct packets *p, size_t n, const char *what);

/* Sets p->why to the offset and what is wrong there; returns -EBADMSG. */
int packets_bad(struct packets *p, const char *what);

#endif
