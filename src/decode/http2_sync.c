/* SPDX-License-Identifier: BSD-2-Clause */
/* A frame header is nine bytes that others may imitate: the type, its flags, the reserved bit and
 * the stream are checked, and the length says where the next header must be. So one header proves
 * little; a chain of them does, and one more frame whose length ends where a write ended. Proof is
 * counted in bits: how unlikely bytes that are no frame would be to look like this. */
#include "decode/http2_sync.h"

#include <errno.h>

#include "util/limits.h"

/* A single header counts for no more than FRAME_MAX, however regular it looks: zeros, which
 * payloads are full of, look regular. So it takes two frames, or one and the ends of a write. */
enum {
	FRAME_MAX = 24,
	EDGE_MAX = 10,       /* a frame begins where a write began, or ends where one ended */
	PROOF = 40,
	PROOF_OF_PROTOCOL = 60,
	PROOF_AT_END = 24,   /* and the frames must end where the bytes do; if it is not known to be
			      * HTTP/2 they must also begin where these began */
	PROOF_TO_WAIT = 20,  /* of a frame that begins where a write began */
	PROOF_BEYOND_DOUBT = 240, /* some dozen frames: what comes after them is not looked at,
				   * lest a long chain be walked from each of its frames */
	STREAM_STEP = 65536, /* streams that may have been opened unseen */
};

/* Flags that RFC 9113 §6 gives a type. */
static uint8_t flags_of(uint8_t type)
{
	static const uint8_t flags[] = {
		[H2_DATA] = H2_END_STREAM | H2_PADDED,
		[H2_HEADERS] = H2_END_STREAM | H2_END_HEADERS | H2_PADDED | H2_HAS_PRIORITY,
		[H2_SETTINGS] = H2_ACK,
		[H2_PUSH_PROMISE] = H2_END_HEADERS | H2_PADDED,
		[H2_PING] = H2_ACK,
		[H2_CONTINUATION] = H2_END_HEADERS,
	};

	return type < sizeof(flags) ? flags[type] : 0;
}

bool h2_sync_refutes(const struct h2_frame *f)
{
	return f->why || f->reserved_bit || f->type > H2_PRIORITY_UPDATE || f->type == 0xb ||
	       (f->type > H2_ORIGIN && f->type < H2_PRIORITY_UPDATE) ||
	       (f->flags & ~flags_of(f->type)) || f->length > LIMIT_BACKLOG;
}

/* How many bits of a header were not free to be otherwise; < 0: no such header. */
static int header_proof(const struct h2 *h, const struct h2_frame *f)
{
	uint32_t id = f->stream_id;
	int bits = 6; /* R, and most types are not used */

	if (h2_sync_refutes(f) || (!h && f->length > H2_DEFAULT_FRAME_MAX))
		return -1;
	if (h && h->client >= 0 && id > h->dir[id & 1 ? h->client : !h->client].last_id + STREAM_STEP)
		return -1;
	bits += 8 - __builtin_popcount(flags_of(f->type));
	bits += id ? __builtin_clz(id) - 1 : 31; /* small numbers */
	if (f->type == H2_PING || f->type == H2_WINDOW_UPDATE || f->type == H2_RST_STREAM ||
	    f->type == H2_PRIORITY)
		bits += 24;
	else
		bits += __builtin_clz(f->length | 1) - 10;
	return bits < FRAME_MAX ? bits : FRAME_MAX;
}

/* Where an integer of HPACK ends; false if it does not end within in. */
static bool skip_integer(struct bytes *in, uint8_t c, unsigned n, uint32_t *v)
{
	uint8_t mask = (uint8_t)((1u << n) - 1);
	unsigned shift = 0;

	*v = c & mask;
	if (*v < mask)
		return true;
	do {
		if (!bytes_get_u8(in, &c) || shift > 21)
			return false;
		*v += (uint32_t)(c & 0x7f) << shift;
		shift += 7;
	} while (c & 0x80);
	return true;
}

static bool skip_string(struct bytes *in)
{
	struct bytes s;
	uint32_t len;
	uint8_t c;

	return bytes_get_u8(in, &c) && skip_integer(in, c, 7, &len) && bytes_take(in, len, &s);
}

/* True if the block is made of whole HPACK representations with possible indices. */
static bool is_header_block(struct bytes in, bool whole)
{
	uint32_t v, dynamic_max = HPACK_STATIC_CNT + LIMIT_HPACK_INDEX;
	uint8_t c;

	while (bytes_get_u8(&in, &c)) {
		bool ok;

		if ((c & 0xe0) == 0x20)
			ok = skip_integer(&in, c, 5, &v);
		else if (c & 0x80)
			ok = skip_integer(&in, c, 7, &v) && v && v < dynamic_max;
		else
			ok = skip_integer(&in, c, c & 0x40 ? 6 : 4, &v) && v < dynamic_max &&
			     (v || skip_string(&in)) && skip_string(&in);
		if (!ok)
			return !whole;
	}
	return true;
}

/* Checks what of the payload is there. */
static bool payload_fits(const struct h2_frame *f, struct bytes payload)
{
	struct h2_frame g = *f;

	if (payload.len < f->length)
		return true;
	h2_frame_payload(&g, payload);
	if (g.why)
		return false;
	if (f->type == H2_HEADERS || f->type == H2_PUSH_PROMISE)
		return is_header_block(g.content, f->flags & H2_END_HEADERS) &&
		       (g.content.len || !(f->flags & H2_END_HEADERS));
	return true;
}

/* What walking from one offset has shown. */
struct chain {
	bool impossible;
	bool to_end; /* the last frame ends where the bytes end */
	int bits;
};

static struct chain walk(const struct h2 *h, struct bytes in)
{
	struct chain c = { .to_end = true };
	uint32_t block = 0; /* stream whose header block is open */
	struct h2_frame f;
	struct bytes payload;

	while (in.len && c.bits < PROOF_BEYOND_DOUBT) {
		int more;

		if (!h2_frame_header(&in, &f)) {
			c.to_end = false;
			return c;
		}
		more = header_proof(h, &f);
		c.impossible = more < 0 || (block && (f.type != H2_CONTINUATION || f.stream_id != block));
		if (c.impossible)
			return c;
		c.bits += more;
		if (!bytes_take(&in, f.length, &payload)) {
			c.to_end = false;
			return c;
		}
		c.impossible = !payload_fits(&f, payload);
		if (c.impossible)
			return c;
		if (f.type == H2_HEADERS || f.type == H2_PUSH_PROMISE || f.type == H2_CONTINUATION)
			block = f.flags & H2_END_HEADERS ? 0 : f.stream_id;
	}
	c.to_end = !in.len;
	return c;
}

/* What it proves that a frame begins or ends where a write does: little if writes are short. */
static int edge_proof(const struct backlog *log)
{
	size_t len = backlog_len(log) / (log->cnt ? log->cnt : 1);
	int bits = len ? 63 - __builtin_clzll(len) : 0;

	return bits < EDGE_MAX ? bits : EDGE_MAX;
}

long h2_sync(const struct h2 *h, int dir, const struct backlog *log, bool last, size_t *skip)
{
	struct bytes in = buf_bytes(&log->bytes);
	int edge = edge_proof(log), need = h ? PROOF : PROOF_OF_PROTOCOL;
	size_t first = in.len; /* the first offset that may yet turn out to be one */
	size_t part_start = 0;
	uint32_t part = 0;

	for (size_t at = 0; at < in.len; at++) {
		struct chain c = walk(h, bytes_of(in.p + at, in.len - at));
		bool starts;

		while (part < log->cnt && part_start < at)
			part_start += log->parts[log->first + part++].len;
		starts = part_start == at;
		if (c.impossible)
			continue;
		if (c.bits + (starts ? edge : 0) + (c.to_end ? edge : 0) >= need ||
		    (last && (h || !at) && c.to_end && c.bits >= PROOF_AT_END))
			return (long)at;
		if (at < first)
			first = at;
		if (starts && c.bits >= PROOF_TO_WAIT && !last)
			break;
	}
	*skip = first;
	return -EAGAIN;
}

/* What may have been in bytes that are gone: SETTINGS of this direction, its acknowledgements of
 * the other's, header blocks, parts of streams. */
static void lose_all(struct h2 *h, int dir)
{
	struct h2_dir *d = &h->dir[dir];

	h->exact = false;
	d->settings_seen = true;
	hpack_lose(&d->hpack);
	hpack_limit_lost(&d->hpack);
	hpack_limit_lost(&h->dir[!dir].hpack);
	d->settings_lost = true;
	h->dir[!dir].settings_lost = true;
	for (struct h2_stream *s = h->oldest; s; s = s->next)
		s->half[dir].lost = true;
}

/* Bytes within the payload of the frame that is being read. */
static void lose_payload(struct h2 *h, int dir, uint32_t len)
{
	struct h2_dir *d = &h->dir[dir];
	struct h2_stream *s = h2_stream(h, d->f.stream_id);
	uint32_t body;

	d->truncated = true;
	d->left -= len;
	if (d->f.type == H2_DATA) {
		if (!d->data_started) { /* an unknown padding counts as data */
			d->data_started = true;
			d->body_left = d->f.length;
		}
		body = len < d->body_left ? len : d->body_left;
		d->body_left -= body;
		if (s) {
			s->half[dir].lost = true;
			s->half[dir].data_len += body;
		}
	} else if (d->f.type == H2_SETTINGS) {
		d->settings_lost = true;
		h->windows_lost = true;
		hpack_limit_lost(&h->dir[!dir].hpack);
	} else if (d->f.type == H2_WINDOW_UPDATE) {
		h->windows_lost = true;
	}
}

bool h2_gap(struct h2 *h, int dir, uint64_t len)
{
	struct h2_dir *d = &h->dir[dir];

	if (len && d->in_frame && len <= d->left) {
		lose_payload(h, dir, (uint32_t)len);
		return true;
	}
	d->in_frame = false;
	d->head_len = 0;
	d->preface = false;
	buf_release(&d->buf);
	h2_close_block(d);
	d->flood_stream = 0;
	lose_all(h, dir);
	return false;
}
