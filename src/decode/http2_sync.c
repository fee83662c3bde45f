/* SPDX-License-Identifier: BSD-2-Clause */
/* A frame header is nine bytes that random ones imitate about once in 2^12: the type, its flags,
 * the reserved bit and the stream are checked, and the length only says where the next header
 * is. So one header proves nothing; a chain of them does, or one that ends exactly where a write
 * ended, for its length is then 24 bits that fit by themselves. */
#include "decode/http2_sync.h"

#include <errno.h>

#include "util/limits.h"

/* Bits of evidence that a chain needs. Random bytes then pass once in 2^40 offsets. */
enum { PROOF = 40, PROOF_OF_PROTOCOL = 48 };

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

/* How many bits of a header were not free to be otherwise; < 0: no such header. */
static int header_evidence(const struct h2 *h, const struct h2_frame *f)
{
	int bits = 1; /* R */

	if (f->why || f->reserved_bit || f->type > H2_PRIORITY_UPDATE || f->type == 0xb ||
	    (f->type > H2_ORIGIN && f->type < H2_PRIORITY_UPDATE))
		return -1;
	if (f->flags & ~flags_of(f->type))
		return -1;
	if (f->length > (h ? LIMIT_BACKLOG : H2_DEFAULT_FRAME_MAX))
		return -1;
	bits += 8 - 3;                                               /* type: a few are usual */
	bits += 8 - __builtin_popcount(flags_of(f->type));
	bits += f->stream_id ? __builtin_clz(f->stream_id) - 1 : 31; /* small numbers */
	if (f->type == H2_PING || f->type == H2_WINDOW_UPDATE || f->type == H2_RST_STREAM ||
	    f->type == H2_PRIORITY)
		bits += 24;
	else
		bits += __builtin_clz(f->length | 1) - 8 - 2;
	/* A run of zeros is no frame, though it looks like an empty DATA on no stream. */
	return bits > 60 ? 60 : bits;
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

enum verdict { NO, PERHAPS, YES };

/* Walks over the frames from the front of in. */
static enum verdict walk(const struct h2 *h, struct bytes in, bool ends)
{
	int need = h ? PROOF : PROOF_OF_PROTOCOL, bits = 0;
	uint32_t block = 0; /* stream whose header block is open */
	struct h2_frame f;
	struct bytes payload;

	while (in.len) {
		int more;

		if (!h2_frame_header(&in, &f))
			return bits >= need ? YES : PERHAPS;
		more = header_evidence(h, &f);
		if (more < 0 || (block && (f.type != H2_CONTINUATION || f.stream_id != block)))
			return NO;
		if (!bytes_take(&in, f.length, &payload)) {
			bits += more;
			return payload_fits(&f, in) && bits >= need + 16 ? YES : PERHAPS;
		}
		if (!payload_fits(&f, payload))
			return NO;
		bits += more;
		if (f.type == H2_HEADERS || f.type == H2_PUSH_PROMISE || f.type == H2_CONTINUATION)
			block = f.flags & H2_END_HEADERS ? 0 : f.stream_id;
	}
	if (ends)
		bits += 20;
	return bits >= need ? YES : PERHAPS;
}

long h2_sync(const struct h2 *h, int dir, struct bytes in, bool ends, size_t *skip)
{
	size_t first = in.len; /* the first offset that may yet turn out to be one */

	for (size_t at = 0; at < in.len; at++) {
		enum verdict v = walk(h, bytes_of(in.p + at, in.len - at), ends);

		if (v == YES)
			return (long)at;
		if (v == PERHAPS && at < first)
			first = at;
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
		hpack_limit_lost(&h->dir[!dir].hpack);
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
