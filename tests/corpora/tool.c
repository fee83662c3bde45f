/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the decoder over files of the corpora for run.py, and does by itself what would be too
 * much for it: the same bytes cut everywhere, and with each chunk missing.
 *
 *     tool frames FILE.chunks    every frame as JSON
 *     tool cuts FILE.chunks      cut at each offset, byte by byte: equal frames?
 *     tool holes FILE.chunks     each chunk removed: no wrong header?
 *     tool fuzz FILE.hex.tsv     seeds as a client's (or, with "server", a server's) bytes
 *     tool blocks                header blocks from stdin, see blocks()
 *     tool stories               the same blocks as HEADERS and CONTINUATION, cut at each offset
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decoder.h"
#include "decode/hpack.h"
#include "decode/http2_frame.h"
#include "util/buf.h"
#include "util/limits.h"
#include "util/xalloc.h"

struct chunk {
	int dir;
	struct bytes data;
	bool hole; /* "? D n": n bytes missing */
	uint64_t missing;
};

static struct chunk *chunks;
static int chunk_cnt;

/* One frame as it came out. */
struct shown {
	int dir;
	int chunk;
	struct rec_frame r;
	struct buf text;            /* all that two runs must agree on, as JSON */
	uint64_t digest;            /* the same as a sum */
	struct header *headers;     /* offsets into strings */
	uint32_t header_cnt;
	struct buf strings;
	struct buf data;
	struct buf why;
};

struct run {
	struct want want;
	struct conn_info info;
	struct decoder *d;
	struct batch *b;
	struct shown *v;
	uint32_t cnt, cap;
	uint64_t gaps;
	int64_t ts;
	bool headers_only;          /* digests of header blocks, however they were cut */
	bool digests_only;          /* runs by the hundred thousand: frames are only compared */
};

static struct batch *batch_of(uint32_t len)
{
	struct batch *b = xmalloc(len);

	batch_init(b, len);
	return b;
}

static void run_init(struct run *r, bool seen_open)
{
	*r = (struct run){ .info = { .id = 3, .addr = "@corpus", .seen_open = seen_open },
			   .b = batch_of(BATCH_LEN) };
	r->want.kind[KIND_FRAME] = r->want.kind[KIND_GAP] = true;
	r->want.data = r->want.headers = true;
	r->d = decoder_new(&r->want, &r->info);
}

static void run_release(struct run *r)
{
	for (uint32_t i = 0; i < r->cnt; i++) {
		buf_release(&r->v[i].text);
		buf_release(&r->v[i].strings);
		buf_release(&r->v[i].data);
		buf_release(&r->v[i].why);
		free(r->v[i].headers);
	}
	free(r->v);
	free(r->b);
	decoder_free(r->d);
}

static void put_json(struct buf *out, struct bytes b)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < b.len; i++) {
		if (b.p[i] < ' ' || b.p[i] > 126 || b.p[i] == '"' || b.p[i] == '\\')
			buf_printf(out, "\\u%04x", b.p[i]);
		else
			buf_putc(out, (char)b.p[i]);
	}
	buf_putc(out, '"');
}

static uint64_t mix(uint64_t sum, uint64_t v)
{
	sum = (sum ^ v) * 0x9e3779b97f4a7c15u;
	return sum ^ sum >> 29;
}

static uint64_t mix_bytes(uint64_t sum, struct bytes in)
{
	struct bytes eight;
	uint64_t v = in.len;

	sum = mix(sum, v);
	while (bytes_peek_u64(&in, &v) && bytes_take(&in, 8, &eight))
		sum = mix(sum, v);
	for (uint8_t c; bytes_get_u8(&in, &c);)
		sum = mix(sum, c);
	return sum;
}

static uint64_t digest_headers(uint64_t sum, const struct rec_frame *r, const struct batch *b)
{
	for (uint32_t i = 0; i < r->headers.count; i++) {
		const struct header *h = &batch_headers(b, r->headers)[i];

		sum = mix_bytes(sum, batch_bytes(b, h->name));
		sum = mix_bytes(sum, batch_bytes(b, h->value));
		sum = mix(sum, (uint64_t)h->unknown << 40 | (uint64_t)h->sensitive << 33 |
				       (uint64_t)h->indexed << 32 | h->wire_len);
	}
	return sum;
}

/* A sum of what cutting may not change: the members up to the first string, and all strings. */
static uint64_t digest(int dir, const struct rec_frame *r, const struct batch *b)
{
	struct rec_frame plain = *r;
	uint64_t sum = mix((uint64_t)dir, r->r.exact);

	sum = mix_bytes(sum, bytes_of(&plain.length, offsetof(struct rec_frame, of) -
							     offsetof(struct rec_frame, length)));
	sum = mix_bytes(sum, batch_bytes(b, r->data));
	sum = mix_bytes(sum, batch_bytes(b, r->why));
	sum = mix_bytes(sum, batch_bytes(b, r->ctx.path));
	sum = mix_bytes(sum, batch_bytes(b, r->ctx.method));
	sum = mix_bytes(sum, batch_bytes(b, r->ctx.authority));
	for (uint32_t i = 0; i < r->settings.count; i++)
		sum = mix(sum, (uint64_t)batch_settings(b, r->settings)[i].id << 32 |
				       batch_settings(b, r->settings)[i].value);
	return digest_headers(sum, r, b);
}

static void put_data(struct buf *out, struct bytes b)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < b.len; i++) {
		buf_putc(out, digits[b.p[i] >> 4]);
		buf_putc(out, digits[b.p[i] & 15]);
	}
}

/* The frame as JSON members; what cutting may not change. */
static void describe(struct shown *s, const struct batch *b)
{
	const struct rec_frame *r = &s->r;
	struct buf *o = &s->text;

	buf_printf(o, "\"dir\":\"%c\",\"type\":%u,\"flags\":%u,\"sid\":%u,\"len\":%u", s->dir ? 'S' : 'C',
		   r->type, r->flags, r->stream_id, r->length);
	if (r->header_bytes >= 0) {
		buf_printf(o, ",\"block_len\":%d,\"missing\":%d,\"complete\":%d,\"continuations\":%d,"
			      "\"headers\":[",
			   r->header_bytes, r->missing, r->complete, r->continuations);
		for (uint32_t i = 0; i < r->headers.count; i++) {
			const struct header *h = &batch_headers(b, r->headers)[i];

			buf_puts(o, i ? ",[" : "[");
			put_json(o, batch_bytes(b, h->name));
			buf_putc(o, ',');
			put_json(o, batch_bytes(b, h->value));
			buf_printf(o, ",%u]", h->unknown);
		}
		buf_puts(o, "]");
	}
	if (r->type == H2_SETTINGS) {
		buf_puts(o, ",\"settings\":[");
		for (uint32_t i = 0; i < r->settings.count; i++)
			buf_printf(o, "%s[%u,%u]", i ? "," : "", batch_settings(b, r->settings)[i].id,
				   batch_settings(b, r->settings)[i].value);
		buf_puts(o, "]");
	}
	buf_printf(o, ",\"error\":%u,\"last_sid\":%u,\"incr\":%u,\"promised\":%u,\"data_len\":%u,"
		      "\"pad\":%d,\"dep\":%lld,\"weight\":%d,\"trailers\":%u,\"status\":%d",
		   r->error_code, r->last_stream_id, r->window_size_increment, r->promised_stream_id,
		   r->data_length, r->pad_length, (long long)r->stream_dependency, r->weight,
		   r->trailers, r->status);
	if (r->data.off) {
		buf_puts(o, ",\"data\":\"");
		put_data(o, batch_bytes(b, r->data));
		buf_putc(o, '"');
	}
	if (r->truncated)
		buf_puts(o, ",\"truncated\":1");
	if (r->why.off) {
		buf_puts(o, ",\"why\":");
		put_json(o, batch_bytes(b, r->why));
	}
	if (r->ctx.path.off) {
		buf_puts(o, ",\"path\":");
		put_json(o, batch_bytes(b, r->ctx.path));
	}
}

static void keep_headers(struct shown *s, const struct batch *b)
{
	s->header_cnt = s->r.headers.count;
	s->headers = xmalloc(s->header_cnt * sizeof(*s->headers));
	for (uint32_t i = 0; i < s->header_cnt; i++) {
		struct header h = batch_headers(b, s->r.headers)[i];
		struct bytes name = batch_bytes(b, h.name), value = batch_bytes(b, h.value);

		h.name.off = (uint32_t)s->strings.len;
		buf_append(&s->strings, name);
		h.value.off = (uint32_t)s->strings.len;
		buf_append(&s->strings, value);
		s->headers[i] = h;
	}
}

static void keep(struct run *r, const struct record *rec)
{
	struct shown *s;

	r->gaps += rec->kind == KIND_GAP;
	if (rec->kind != KIND_FRAME)
		return;
	if (r->cnt == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->v = xrealloc(r->v, r->cap * sizeof(*r->v));
	}
	s = &r->v[r->cnt++];
	*s = (struct shown){ .r = *(const struct rec_frame *)rec, .chunk = (int)(rec->ts_ns >> 32) };
	s->dir = (int)(rec->pid & 1);
	s->digest = r->headers_only ? digest_headers(0, &s->r, r->b) : digest(s->dir, &s->r, r->b);
	if (r->digests_only || r->headers_only)
		return;
	describe(s, r->b);
	keep_headers(s, r->b);
}

static void drain(struct run *r)
{
	int rc;

	while ((rc = decoder_next(r->d, r->b))) {
		if (rc == 1) {
			keep(r, batch_at(r->b, r->b->count - 1));
			continue;
		}
		if (rc != -ENOSPC)
			abort();
		if (r->b->count && decoder_need(r->d) <= r->b->cap) {
			batch_init(r->b, r->b->cap);
		} else {
			uint32_t need = decoder_need(r->d);

			free(r->b);
			r->b = batch_of(need > BATCH_LEN ? need : BATCH_LEN);
		}
	}
}

static struct stamp stamp_of(struct run *r, int chunk, int dir)
{
	return (struct stamp){ .ts_ns = ((int64_t)chunk << 32) + r->ts++, .read_ns = -1, .pid = dir,
			       .tid = dir, .reader_pid = -1, .comm = "corpus" };
}

/* Gives bytes in a block of their own, so that a sanitizer sees a read beyond. */
static void feed(struct run *r, int chunk, int dir, struct bytes in)
{
	struct stamp st = stamp_of(r, chunk, dir);
	uint8_t *p = xmalloc(in.len);

	if (in.len)
		memcpy(p, in.p, in.len);
	decoder_feed(r->d, dir, bytes_of(p, in.len), &st);
	drain(r);
	free(p);
}

static void lose(struct run *r, int chunk, int dir, uint64_t len)
{
	struct stamp st = stamp_of(r, chunk, dir);

	decoder_gap(r->d, dir, len, GAP_RINGBUF_DROP, &st);
	drain(r);
}

static void end(struct run *r)
{
	struct stamp st = stamp_of(r, 1 << 20, 0);

	decoder_close(r->d, OUTCOME_CLOSED, "end", &st);
	drain(r);
}

static struct bytes unhex(const char *hex)
{
	struct buf b = { 0 };
	unsigned v;

	for (; *hex && *hex != '\n'; hex++) {
		if (*hex == ' ')
			continue;
		if (sscanf(hex, "%2x", &v) != 1)
			break;
		buf_putc(&b, (char)v);
		hex++;
	}
	return buf_bytes(&b);
}

static void load(const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;

	if (!f) {
		perror(path);
		exit(1);
	}
	while (getline(&line, &cap, f) > 0) {
		struct chunk c = { .dir = line[0] == 'S' };
		char side;

		if (line[0] == '?') {
			c.hole = true;
			if (sscanf(line, "? %c %lu", &side, &c.missing) != 2)
				exit(2);
			c.dir = side == 'S';
		} else if (line[0] == 'C' || line[0] == 'S') {
			c.data = unhex(line + 2);
		} else {
			continue;
		}
		chunks = xrealloc(chunks, (size_t)(chunk_cnt + 1) * sizeof(*chunks));
		chunks[chunk_cnt++] = c;
	}
	free(line);
	fclose(f);
}

enum { ALL = -1, NONE = -1 };

/* Feeds all chunks but the one at hole, each in pieces of step bytes (0: whole); before that the
 * first offset bytes of chunk at (or ALL) by themselves. known: the gap's length is told. */
static void play(struct run *r, size_t step, int at, size_t offset, int hole, bool known)
{
	for (int i = 0; i < chunk_cnt; i++) {
		struct bytes in = chunks[i].data, part;

		if (i == hole || chunks[i].hole) {
			lose(r, i, chunks[i].dir, i == hole ? known * in.len : chunks[i].missing);
			continue;
		}
		if (offset && (i == at || at == ALL) && bytes_take(&in, offset, &part))
			feed(r, i, chunks[i].dir, part);
		while (in.len) {
			bytes_take(&in, step && step < in.len ? step : in.len, &part);
			feed(r, i, chunks[i].dir, part);
		}
	}
	end(r);
}

static bool same(const struct run *a, const struct run *b)
{
	if (a->cnt != b->cnt)
		return false;
	for (uint32_t i = 0; i < a->cnt; i++)
		if (a->v[i].digest != b->v[i].digest)
			return false;
	return true;
}

static void print_frames(const struct run *r)
{
	for (uint32_t i = 0; i < r->cnt; i++)
		printf("{%.*s,\"chunk\":%d,\"exact\":%d}\n", (int)r->v[i].text.len,
		       (const char *)buf_bytes(&r->v[i].text).p, r->v[i].chunk, r->v[i].r.r.exact);
	for (int i = 0; i < 2; i++)
		printf("{\"bytes\":%d,\"decoded\":%lu,\"skipped\":%lu,\"proto\":%d,\"gaps\":%lu}\n", i,
		       decoder_bytes(r->d, i).decoded, decoder_bytes(r->d, i).skipped,
		       r->info.role[0] == ROLE_CLIENT, r->gaps);
}

static int frames(bool seen_open)
{
	struct run r;

	run_init(&r, seen_open);
	play(&r, 0, ALL, 0, -1, false);
	print_frames(&r);
	run_release(&r);
	return 0;
}

/* Frames across directions may come in another order when a block is cut, so by direction. */
static void sort_by_dir(struct run *r)
{
	struct shown *v = xmalloc((r->cnt + 1) * sizeof(*v));
	uint32_t n = 0;

	for (int dir = 0; dir < 2; dir++)
		for (uint32_t i = 0; i < r->cnt; i++)
			if (r->v[i].dir == dir)
				v[n++] = r->v[i];
	free(r->v);
	r->v = v;
}

/* Every chunk cut at once, at each offset; before that byte by byte. */
static int cuts(bool seen_open)
{
	struct run base, r;
	size_t longest = 0;
	long done = 0, bad = 0;

	run_init(&base, seen_open);
	base.digests_only = true;
	play(&base, 0, ALL, 0, NONE, false);
	sort_by_dir(&base);
	for (int i = 0; i < chunk_cnt; i++)
		longest = chunks[i].data.len > longest ? chunks[i].data.len : longest;
	for (size_t cut = 0; cut < longest; cut++) {
		run_init(&r, seen_open);
		r.digests_only = true;
		play(&r, !cut, ALL, cut, NONE, false);
		sort_by_dir(&r);
		done++;
		if (!same(&base, &r)) {
			bad++;
			fprintf(stderr, "cut at %zu: other frames\n", cut);
		}
		run_release(&r);
	}
	printf("%ld %ld\n", done, bad);
	run_release(&base);
	return 0;
}

static struct bytes text_at(const struct shown *s, struct str at)
{
	return bytes_of(buf_bytes(&s->strings).p + at.off, at.len);
}

struct tally {
	long runs, frames, frames_seen, wrong, fields, known, late_recovery;
};

/* Compares a header block seen with a hole before it to what it is. */
static void check_block(const struct shown *want, const struct shown *got, struct tally *t)
{
	t->fields += want->header_cnt;
	if (got->header_cnt > want->header_cnt ||
	    (got->header_cnt < want->header_cnt && got->r.complete)) {
		t->wrong++;
		return;
	}
	for (uint32_t i = 0; i < got->header_cnt; i++) {
		const struct header *g = &got->headers[i], *w = &want->headers[i];
		bool name = bytes_equal(text_at(got, g->name), text_at(want, w->name));
		bool value = bytes_equal(text_at(got, g->value), text_at(want, w->value));

		if ((g->unknown < 2 && !name) || (g->unknown != 1 && g->unknown != 2 && !value))
			t->wrong++;
		t->known += !g->unknown;
		if (g->unknown && got->r.complete)
			t->wrong++;
	}
}

/* Collects the frames that start in the chunk. */
static uint32_t frames_of(const struct run *r, int chunk, const struct shown **out, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->cnt && n < max; i++)
		if (r->v[i].chunk == chunk)
			out[n++] = &r->v[i];
	return n;
}

/* Frames of the run that start in the chunk against the true ones. Before the hole the first of
 * them must be there, after it the last. */
static void check_chunk(const struct run *base, const struct run *r, int chunk, int hole,
			struct tally *t)
{
	static const struct shown *want[4096], *got[4096];
	uint32_t w = frames_of(base, chunk, want, 4096), g = frames_of(r, chunk, got, 4096);
	uint32_t skip = chunk > hole && w > g ? w - g : 0;

	t->frames += w;
	t->frames_seen += g;
	if (g > w)
		goto other;
	for (uint32_t i = 0; i < g; i++) {
		const struct shown *a = want[skip + i], *b = got[i];

		if (a->r.type != b->r.type || a->r.length != b->r.length ||
		    a->r.stream_id != b->r.stream_id)
			goto other;
		if (a->r.header_bytes >= 0 && b->r.header_bytes >= 0)
			check_block(a, b, t);
	}
	return;
other:
	t->wrong++;
	fprintf(stderr, "hole %d: chunk %d: another frame (%u of %u)\n", hole, chunk, g, w);
}

/* Where in its direction the chunk begins, and whether a frame does there. */
static bool on_boundary(const struct run *base, int chunk)
{
	uint64_t start = 0, at = 0;
	int dir = chunks[chunk].dir;

	for (int i = 0; i < chunk; i++)
		start += chunks[i].dir == dir ? chunks[i].data.len : 0;
	for (int i = 0; i < chunk_cnt && !at; i++)
		if (chunks[i].dir == dir && chunks[i].data.len)
			at = bytes_has_prefix(chunks[i].data, BYTES_LIT("PRI ")) ? 24 : UINT64_MAX;
	if (at == UINT64_MAX)
		at = 0;
	for (uint32_t i = 0; i < base->cnt && at <= start; i++) {
		if (base->v[i].dir != dir)
			continue;
		if (at == start)
			return true;
		at += base->v[i].r.length + H2_HEADER_LEN;
	}
	return at == start;
}

static void check_recovery(const struct run *base, const struct run *r, int hole, struct tally *t)
{
	long wanted = 0, seen = 0;
	int next = hole + 1;

	while (next < chunk_cnt && (chunks[next].dir != chunks[hole].dir || chunks[next].hole))
		next++;
	if (next >= chunk_cnt || !on_boundary(base, next))
		return;
	for (uint32_t i = 0; i < base->cnt; i++)
		wanted += base->v[i].dir == chunks[hole].dir && base->v[i].chunk >= next;
	for (uint32_t i = 0; i < r->cnt; i++)
		seen += r->v[i].dir == chunks[hole].dir && r->v[i].chunk >= next;
	if (seen < wanted - 2) {
		t->late_recovery++;
		fprintf(stderr, "hole %d: %ld of %ld frames from chunk %d on\n", hole, seen, wanted, next);
	}
}

static int holes(void)
{
	struct tally t = { 0 };
	struct run base, r;

	run_init(&base, true);
	play(&base, 0, ALL, 0, NONE, false);
	for (int hole = 0; hole < chunk_cnt; hole++) {
		for (int known = 0; known < 2; known++) {
			run_init(&r, true);
			play(&r, 0, ALL, 0, hole, known);
			t.runs++;
			for (int c = 0; c < chunk_cnt; c++)
				if (c != hole)
					check_chunk(&base, &r, c, hole, &t);
			check_recovery(&base, &r, hole, &t);
			run_release(&r);
		}
	}
	printf("%ld %ld %ld %ld %ld %ld %ld\n", t.runs, t.frames, t.frames_seen, t.wrong, t.fields,
	       t.known, t.late_recovery);
	run_release(&base);
	return 0;
}

/* Of this program alone: ru_maxrss would count its parent too. */
static long peak_kib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char *line = NULL;
	size_t cap = 0;
	long kib = -1;

	while (f && kib < 0 && getline(&line, &cap, f) > 0)
		sscanf(line, "VmHWM: %ld", &kib);
	free(line);
	if (f)
		fclose(f);
	return kib;
}

/* Each seed whole, byte by byte, and cut in two at each offset. */
static int fuzz(const char *path, int dir)
{
	FILE *f = fopen(path, "r");
	char *line = NULL, *hex;
	size_t cap = 0;
	long seeds = 0, runs = 0, bad = 0;

	while (f && getline(&line, &cap, f) > 0) {
		struct chunk c = { .dir = dir };
		struct run base, r;

		hex = strrchr(line, '\t');
		if (line[0] == '#' || !hex)
			continue;
		c.data = unhex(hex + 1);
		chunks = &c;
		chunk_cnt = 1;
		seeds++;
		run_init(&base, true);
		base.digests_only = true;
		play(&base, 0, ALL, 0, NONE, false);
		printf("{\"seed\":\"%.*s\",\"frames\":[", (int)strcspn(line, "\t"), line);
		for (uint32_t i = 0; i < base.cnt && i < 64; i++)
			printf("%s[%u,%u,%u,%u]", i ? "," : "", base.v[i].r.type, base.v[i].r.flags,
			       base.v[i].r.stream_id, base.v[i].r.length);
		printf("],\"cnt\":%u}\n", base.cnt);
		for (size_t cut = 0; cut < c.data.len; cut++) {
			run_init(&r, true);
			r.digests_only = true;
			play(&r, !cut, ALL, cut, NONE, false);
			runs++;
			if (!same(&base, &r)) {
				bad++;
				fprintf(stderr, "seed %.8s cut at %zu: other frames\n", line, cut);
			}
			run_release(&r);
		}
		run_release(&base);
		free((void *)c.data.p);
	}
	free(line);
	if (f)
		fclose(f);
	printf("{\"seeds\":%ld,\"runs\":%ld,\"bad\":%ld,\"rss_kib\":%ld}\n", seeds, runs, bad, peak_kib());
	return 0;
}

static void print_table(const struct hpack *h)
{
	struct hpack_field f;
	struct buf out = { 0 };

	for (uint64_t i = 0; i < h->table.cnt && hpack_table_get(&h->table, i + 62, &f); i++) {
		buf_puts(&out, i ? ",[" : "[");
		put_json(&out, f.name);
		buf_putc(&out, ',');
		put_json(&out, f.value);
		buf_puts(&out, "]");
	}
	printf("\"table\":[%.*s],\"size\":%u", (int)out.len, (const char *)buf_bytes(&out).p, h->table.size);
	buf_release(&out);
}

static void print_list(const struct hpack_list *l)
{
	struct buf out = { 0 };

	for (uint32_t i = 0; i < l->cnt; i++) {
		buf_puts(&out, i ? ",[" : "[");
		put_json(&out, hpack_text(l, l->v[i].name));
		buf_putc(&out, ',');
		put_json(&out, hpack_text(l, l->v[i].value));
		buf_printf(&out, ",%u]", l->v[i].unknown);
	}
	printf("\"headers\":[%.*s],", (int)out.len, (const char *)buf_bytes(&out).p);
	buf_release(&out);
}

/* Commands, one a line: "new MAX", "lose", "limit N", "block HEX". */
static int blocks(void)
{
	struct hpack_list list = { 0 };
	struct hpack h = { 0 };
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, stdin) > 0) {
		if (!strncmp(line, "new ", 4)) {
			hpack_release(&h);
			hpack_init(&h, 3, 0, (uint32_t)strtoul(line + 4, NULL, 10));
		} else if (!strncmp(line, "limit ", 6)) {
			hpack_set_limit(&h, (uint32_t)strtoul(line + 6, NULL, 10));
		} else if (!strncmp(line, "lose", 4)) {
			hpack_lose(&h);
		} else if (!strncmp(line, "block ", 6)) {
			struct bytes in = unhex(line + 6);
			int rc = hpack_decode(&h, in, &list);

			printf("{\"rc\":%d,\"why\":\"%s\",", rc, h.why ? h.why : "");
			print_list(&list);
			print_table(&h);
			printf("}\n");
			free((void *)in.p);
		}
	}
	hpack_release(&h);
	hpack_list_release(&list);
	free(line);
	return 0;
}

static void put_frame(struct buf *out, uint8_t type, uint8_t flags, uint32_t id, struct bytes in)
{
	uint8_t head[9] = { (uint8_t)(in.len >> 16), (uint8_t)(in.len >> 8), (uint8_t)in.len, type, flags,
			    (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id };

	buf_append(out, bytes_of(head, 9));
	buf_append(out, in);
}

static void put_settings(struct buf *out, uint32_t size)
{
	uint8_t s[6] = { 0, 1, (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size };

	put_frame(out, H2_SETTINGS, 0, 0, bytes_of(s, 6));
}

/* One connection of a story: its header blocks, and the limits set before them. */
struct story {
	struct step {
		bool is_limit;
		uint32_t limit;
		struct bytes block;
	} *v;
	int cnt, cap;
	size_t longest;
};

static void add_step(struct story *s, const char *line)
{
	struct step step = { .is_limit = !strncmp(line, "limit ", 6) };

	if (step.is_limit)
		step.limit = (uint32_t)strtoul(line + 6, NULL, 10);
	else
		step.block = unhex(line + 6);
	if (step.block.len > s->longest)
		s->longest = step.block.len;
	if (s->cnt == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->v = xrealloc(s->v, (size_t)s->cap * sizeof(*s->v));
	}
	s->v[s->cnt++] = step;
}

/* The blocks (limits become SETTINGS of the server and their ACK), each cut into HEADERS and
 * CONTINUATION after offset bytes. */
static void play_story(struct run *r, const struct story *s, size_t offset)
{
	struct buf client = { 0 }, server = { 0 };
	uint32_t id = 1;

	run_init(r, true);
	r->headers_only = true;
	buf_append(&client, H2_PREFACE);
	put_frame(&client, H2_SETTINGS, 0, 0, (struct bytes){ 0 });
	for (int i = 0; i < s->cnt; i++, id += 2) {
		struct bytes in = s->v[i].block, first = { 0 };

		if (s->v[i].is_limit) {
			put_settings(&server, s->v[i].limit);
			feed(r, i, 0, buf_bytes(&client));
			feed(r, i, 1, buf_bytes(&server));
			buf_release(&client);
			buf_release(&server);
			put_frame(&client, H2_SETTINGS, H2_ACK, 0, (struct bytes){ 0 });
			continue;
		}
		bytes_take(&in, in.len ? offset % (in.len + 1) : 0, &first);
		put_frame(&client, H2_HEADERS, H2_END_STREAM, id, first);
		put_frame(&client, H2_CONTINUATION, H2_END_HEADERS, id, in);
	}
	feed(r, s->cnt, 0, buf_bytes(&client));
	buf_release(&client);
	end(r);
}

static long story(struct story *s, long *bad)
{
	struct run base, r;
	long runs = 0;

	play_story(&base, s, 0);
	for (size_t cut = 1; cut <= s->longest; cut++) {
		play_story(&r, s, cut);
		runs++;
		*bad += !same(&base, &r);
		run_release(&r);
	}
	run_release(&base);
	for (int i = 0; i < s->cnt; i++)
		free((void *)s->v[i].block.p);
	s->cnt = 0;
	s->longest = 0;
	return runs;
}

static int stories(void)
{
	struct story s = { 0 };
	char *line = NULL;
	size_t cap = 0;
	long runs = 0, bad = 0;

	while (getline(&line, &cap, stdin) > 0) {
		if (strncmp(line, "new ", 4))
			add_step(&s, line);
		else
			runs += story(&s, &bad);
	}
	runs += story(&s, &bad);
	free(s.v);
	free(line);
	printf("%ld %ld\n", runs, bad);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc > 2 && (!strcmp(what, "frames") || !strcmp(what, "late") || !strcmp(what, "cuts") || !strcmp(what, "latecuts") ||
			 !strcmp(what, "holes")))
		load(argv[2]);
	if (!strcmp(what, "frames"))
		return frames(true);
	if (!strcmp(what, "late"))
		return frames(false);
	if (!strcmp(what, "cuts"))
		return cuts(true);
	if (!strcmp(what, "latecuts"))
		return cuts(false);
	if (!strcmp(what, "holes"))
		return holes();
	if (!strcmp(what, "fuzz") && argc > 2)
		return fuzz(argv[2], argc > 3);
	if (!strcmp(what, "blocks"))
		return blocks();
	if (!strcmp(what, "stories"))
		return stories();
	fprintf(stderr, "usage: tool frames|late|cuts|holes FILE, fuzz FILE [server], blocks, stories\n");
	return 2;
}
