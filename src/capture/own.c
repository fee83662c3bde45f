/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/own.h"

#include <errno.h>
#include <stdlib.h>

#include "capture/link.h"
#include "capture/words.h"
#include "util/hash.h"
#include "util/limits.h"
#include "util/log.h"
#include "util/xalloc.h"

#define SECTION BYTES_LIT("spf: capture ")

struct own {
	struct source s;
	struct packets packets;
	int64_t section_epoch_ns, section_start_ns; /* which capture the section is of */
	uint64_t id_base;      /* added to ids: each capture counts its own */
	uint64_t id_max;
	struct hash open;      /* ids of sockets with an OPEN that was given */
	struct strings kept;
	bool has_chunk;        /* chunk waits for the rest of its bytes */
	bool is_ours;          /* the section is one of spf */
	struct chunk chunk;
	uint64_t captured;     /* bytes that it has */
	struct buf data;
	uint64_t strangers;    /* packets without spf's facts */
	char addr[512];
};

bool own_is_section(struct bytes comment)
{
	return bytes_has_prefix(comment, SECTION);
}

static int bad(struct own *o, const char *what)
{
	packets_bad(&o->packets, what);
	o->s.why = o->packets.why;
	return -EBADMSG;
}

/* Several sections: rotated files of one capture one after the other, or another capture. */
static int read_section(struct own *o, struct bytes comment, int64_t *epoch_ns, int64_t *start_ns)
{
	struct bytes word;

	o->is_ours = own_is_section(comment);
	if (!o->is_ours)
		return 0;
	bytes_take(&comment, SECTION.len, &word);
	while (words_next(&comment, &word)) {
		int64_t *to = NULL;

		if (bytes_has_prefix(word, BYTES_LIT("epoch=")))
			to = epoch_ns;
		if (bytes_has_prefix(word, BYTES_LIT("start=")))
			to = start_ns;
		if (to && !words_time(bytes_of(word.p + 6, word.len - 6), to))
			return bad(o, "a section of spf with times that are no good");
	}
	return 0;
}

static int next_section(struct own *o, struct bytes comment)
{
	int64_t epoch_ns = 0, start_ns = 0;
	int rc = read_section(o, comment, &epoch_ns, &start_ns);

	if (rc || !o->is_ours)
		return rc;
	if (epoch_ns != o->section_epoch_ns || start_ns != o->section_start_ns) {
		o->id_base = o->id_max;
		hash_release(&o->open);
	}
	o->section_epoch_ns = epoch_ns;
	o->section_start_ns = start_ns;
	return 0;
}

static bool kind_of(struct bytes word, enum chunk_kind *kind)
{
	static const char *const names[] = {
		[CHUNK_DATA] = "data", [CHUNK_SENT] = "sent", [CHUNK_LOST] = "lost",
		[CHUNK_OPEN] = "open", [CHUNK_CLOSE] = "close",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bytes_equal(word, bytes_str(names[i]))) {
			*kind = (enum chunk_kind)i;
			return true;
		}
	return false;
}

/* Remembers which connections are open. False if this OPEN is said again in a later file of the
 * same capture, and is known. */
static bool is_news(struct own *o, const struct chunk *c, bool again)
{
	static char mark;

	if (c->kind == CHUNK_CLOSE)
		hash_del(&o->open, c->sock);
	if (c->kind != CHUNK_OPEN)
		return true;
	if (again && hash_get(&o->open, c->sock))
		return false;
	if (o->open.cnt < LIMIT_CONNECTIONS)
		hash_put(&o->open, c->sock, &mark);
	return true;
}

static uint64_t map_id(struct own *o, uint64_t id)
{
	id = id ? id + o->id_base : 0;
	o->id_max = id > o->id_max ? id : o->id_max;
	return id;
}

/* The facts in a comment. Returns 1 with o->chunk, its bytes still to come, 0 if the comment has
 * none that are news, or -EBADMSG. */
static int read_facts(struct own *o, struct bytes comment, int64_t ts_ns)
{
	struct chunk *c = &o->chunk;
	enum chunk_kind kind;
	struct bytes word;
	bool again = false;
	int rc;

	if (!bytes_take(&comment, 5, &word) || !words_next(&comment, &word))
		return 0;
	if (bytes_equal(word, BYTES_LIT("end")))
		o->s.end_ns = ts_ns - o->s.epoch_ns;
	if (!kind_of(word, &kind))
		return 0;
	chunk_init(c, kind);
	o->captured = 0;
	while (words_next(&comment, &word)) {
		if (bytes_equal(word, BYTES_LIT("again=1"))) {
			again = true;
			continue;
		}
		if (bytes_has_prefix(word, BYTES_LIT("captured="))) {
			if (!words_number(bytes_of(word.p + 9, word.len - 9), &o->captured) ||
			    o->captured > LIMIT_CHUNK_LEN)
				return bad(o, "a comment of spf with a number that is no good");
			continue;
		}
		rc = words_parse(c, word, &o->kept, o->addr);
		if (rc < 0)
			return bad(o, "a comment of spf with a value that is no good");
	}
	if (!c->sock || c->sock == c->peer)
		return bad(o, "a comment of spf without its socket");
	c->sock = map_id(o, c->sock);
	c->peer = map_id(o, c->peer);
	c->ts_ns = ts_ns - o->s.epoch_ns; /* both are less than TIME_MAX_NS */
	if (c->ts_ns > TIME_MAX_NS || c->ts_ns < -TIME_MAX_NS)
		return bad(o, "a packet of spf with a time that is no good");
	return is_news(o, c, again);
}

/* The bytes of a segment of spf's own. */
static int read_payload(struct own *o, const struct packet *p, struct bytes *data)
{
	struct segment s;

	if (link_parse(p->link, p->data, p->wire_len, &s) != LINK_TCP)
		return bad(o, "a packet of spf that holds no TCP");
	*data = s.data;
	return 0;
}

static int complete(struct own *o, struct bytes data, struct chunk *out)
{
	o->has_chunk = false;
	o->chunk.data = data;
	if (!o->chunk.len)
		o->chunk.len = data.len;
	if (data.len > o->chunk.len)
		return bad(o, "a packet of spf with more bytes than its comment says");
	*out = o->chunk;
	return 1;
}

/* A chunk whose bytes are in several packets. */
static int read_more(struct own *o, const struct packet *p, struct chunk *out)
{
	struct bytes part;
	int rc = read_payload(o, p, &part);

	if (rc)
		return rc;
	buf_append(&o->data, part);
	if (o->data.len < o->captured)
		return 0;
	return complete(o, buf_bytes(&o->data), out);
}

static int read_packet(struct own *o, const struct packet *p, struct chunk *out)
{
	struct bytes data;
	int rc;

	if (!bytes_has_prefix(p->comment, BYTES_LIT("spf: "))) {
		o->strangers += p->kind == PACKET_DATA;
		return 0;
	}
	if (bytes_equal(p->comment, BYTES_LIT("spf: more")))
		return o->has_chunk ? read_more(o, p, out) : 0;
	o->has_chunk = false;
	rc = read_facts(o, p->comment, p->ts_ns);
	if (rc != 1)
		return rc;
	if (o->chunk.kind != CHUNK_DATA) {
		*out = o->chunk;
		return 1;
	}
	if (p->kind != PACKET_DATA)
		return bad(o, "statistics with the comment of a packet");
	rc = read_payload(o, p, &data);
	if (rc)
		return rc;
	if (data.len >= o->captured)
		return complete(o, data, out);
	o->has_chunk = true;
	buf_consume(&o->data, o->data.len);
	buf_append(&o->data, data);
	return 0;
}

static int own_next(struct source *s, struct chunk *out, int64_t *settled_ns)
{
	struct own *o = (struct own *)s;
	struct packet p;
	int rc;

	for (;;) {
		rc = packets_next(&o->packets, &p);
		if (rc == -EAGAIN) {
			*settled_ns = o->chunk.ts_ns;
			return 0;
		}
		if (rc == -ENODATA && o->strangers)
			log_info("%llu packets are not spf's and were passed over",
				 (unsigned long long)o->strangers);
		if (rc != 1) {
			o->strangers = 0;
			s->why = o->packets.why;
			return rc;
		}
		if (p.kind == PACKET_SECTION)
			rc = next_section(o, p.comment);
		else if (o->is_ours)
			rc = read_packet(o, &p, out);
		else
			rc = 0;
		if (rc)
			return rc;
	}
}

static void own_wait(struct source *s, int timeout_ms)
{
	input_wait(&((struct own *)s)->packets.in, timeout_ms);
}

static void own_free(struct source *s)
{
	struct own *o = (struct own *)s;

	packets_release(&o->packets);
	hash_release(&o->open);
	strings_release(&o->kept);
	buf_release(&o->data);
	free(o);
}

struct source *own_new(struct packets *p, struct bytes comment)
{
	static const struct source_ops ops = { own_next, own_wait, own_free };
	struct own *o = xcalloc(1, sizeof(*o));

	o->s = (struct source){ .ops = &ops, .is_ordered = true };
	o->packets = *p;
	o->s.file = &o->packets.in;
	if (read_section(o, comment, &o->s.epoch_ns, &o->s.start_ns))
		o->s.epoch_ns = o->s.start_ns = 0;
	o->section_epoch_ns = o->s.epoch_ns;
	o->section_start_ns = o->s.start_ns;
	return &o->s;
}
