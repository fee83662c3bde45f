/* SPDX-License-Identifier: BSD-2-Clause */
/* What decoding costs: header blocks against libnghttp2's inflater in the same run (interleaved,
 * the best of several rounds of each), frames, and the memory of connections and streams. */
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "decode/decoder.h"
#include "decode/hpack.h"
#include "decode/http2.h"
#include "util/buf.h"
#include "util/xalloc.h"

enum { ROUNDS = 9 };

struct blocks {
	struct bytes *v;
	int cnt;
	bool fresh; /* each block is the first of a connection */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void add_block(struct blocks *b, struct bytes in)
{
	uint8_t *p = xmalloc(in.len + 1);

	memcpy(p, in.p, in.len);
	b->v = xrealloc(b->v, (size_t)(b->cnt + 1) * sizeof(*b->v));
	b->v[b->cnt++] = bytes_of(p, in.len);
}

#define NV(n, v) { (uint8_t *)(n), (uint8_t *)(v), strlen(n), strlen(v), 0 }

/* A gRPC-like request and response; one value in ten is new each time. */
static void synthetic(struct blocks *b, bool response, bool fresh, int cnt)
{
	nghttp2_hd_deflater *def = NULL;
	uint8_t out[4096];

	b->fresh = fresh;
	for (int i = 0; i < cnt; i++) {
		char id[32], date[40];
		nghttp2_nv request[] = {
			NV(":method", "POST"), NV(":scheme", "https"), NV(":authority", "api.example.com:443"),
			NV(":path", "/shop.v1.Orders/GetOrder"), NV("content-type", "application/grpc"),
			NV("user-agent", "grpc-go/1.62.0"), NV("te", "trailers"), NV("grpc-accept-encoding", "gzip"),
			NV("x-request-id", id), NV("authorization", "Bearer abcdefghijklmnopqrstuvwxyz0123456789"),
		};
		nghttp2_nv answer[] = {
			NV(":status", "200"), NV("content-type", "application/grpc"), NV("server", "nginx/1.22.1"),
			NV("date", date), NV("grpc-encoding", "identity"), NV("grpc-accept-encoding", "gzip"),
			NV("x-request-id", id), NV("cache-control", "no-store"), NV("vary", "accept-encoding"),
			NV("x-served-by", "edge-17"),
		};
		ssize_t n;

		if (!def || fresh) {
			if (def)
				nghttp2_hd_deflate_del(def);
			nghttp2_hd_deflate_new(&def, 4096);
		}
		snprintf(id, sizeof(id), "%08x-%04x-4c3f", (unsigned)i * 2654435761u, (unsigned)i & 0xffff);
		snprintf(date, sizeof(date), "Mon, 21 Oct 2013 20:%02d:%02d GMT", i / 600 % 60, i / 10 % 60);
		request[8].valuelen = answer[6].valuelen = strlen(id);
		answer[3].valuelen = strlen(date);
		n = nghttp2_hd_deflate_hd(def, out, sizeof(out), response ? answer : request, 10);
		add_block(b, bytes_of(out, (size_t)n));
	}
	nghttp2_hd_deflate_del(def);
}

/* Every "wire":"hex" of a story is a block; a story is a connection. */
static void load_story(struct blocks *b, const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL, *at;
	size_t cap = 0;
	uint8_t out[65536];

	while (f && getline(&line, &cap, f) > 0) {
		size_t n = 0;
		unsigned v;

		at = strstr(line, "\"wire\":\"");
		if (!at)
			continue;
		for (at += 8; sscanf(at, "%2x", &v) == 1 && *at != '"' && n < sizeof(out); at += 2)
			out[n++] = (uint8_t)v;
		add_block(b, bytes_of(out, n));
	}
	free(line);
	if (f)
		fclose(f);
}

static long run_nghttp2(const struct blocks *b)
{
	nghttp2_hd_inflater *inf = NULL;
	long fields = 0;

	for (int i = 0; i < b->cnt; i++) {
		const uint8_t *p = b->v[i].p;
		size_t left = b->v[i].len;

		if (!inf || b->fresh) {
			if (inf)
				nghttp2_hd_inflate_del(inf);
			nghttp2_hd_inflate_new(&inf);
		}
		for (;;) {
			nghttp2_nv nv;
			int flags = 0;
			ssize_t n = nghttp2_hd_inflate_hd2(inf, &nv, &flags, p, left, 1);

			if (n < 0)
				break;
			p += n;
			left -= (size_t)n;
			fields += (flags & NGHTTP2_HD_INFLATE_EMIT) != 0;
			if (flags & NGHTTP2_HD_INFLATE_FINAL) {
				nghttp2_hd_inflate_end_headers(inf);
				break;
			}
		}
	}
	nghttp2_hd_inflate_del(inf);
	return fields;
}

static long run_spf(const struct blocks *b)
{
	static struct hpack_list list;
	struct hpack h = { 0 };
	long fields = 0;

	hpack_init(&h, 1, 0, HPACK_DEFAULT_MAX);
	for (int i = 0; i < b->cnt; i++) {
		if (b->fresh) {
			hpack_release(&h);
			hpack_init(&h, 1, 0, HPACK_DEFAULT_MAX);
		}
		hpack_decode(&h, b->v[i], &list);
		fields += list.cnt;
	}
	hpack_release(&h);
	return fields;
}

static int compare(const char *what, const struct blocks *b)
{
	double best[2] = { 1e18, 1e18 };
	long fields[2] = { 0, 0 };

	for (int r = 0; r < ROUNDS; r++) {
		for (int who = 0; who < 2; who++) {
			double t = now();

			fields[who] = who ? run_spf(b) : run_nghttp2(b);
			t = now() - t;
			best[who] = t < best[who] ? t : best[who];
		}
	}
	printf("%-44s %7ld %9.1f %9.1f %7.2f\n", what, fields[1], best[0] / (double)fields[0],
	       best[1] / (double)fields[1], best[0] / (double)fields[0] / (best[1] / (double)fields[1]));
	return fields[0] != fields[1];
}

/* What each decoder took, [0] nghttp2, [1] spf. */
struct sums {
	double s[2];
	long fields[2];
};

static void print_sums(const char *what, const struct sums *n)
{
	printf("%-44s %7ld %9.1f %9.1f %7.2f\n", what, n->fields[1], n->s[0] / (double)n->fields[0],
	       n->s[1] / (double)n->fields[1], n->s[0] / n->s[1]);
}

/* Each story is a connection, from its first block on. */
static void compare_stories(const char *base, const char *encoder, struct sums *total)
{
	char path[1024];
	struct sums n = { 0 };
	double one[64];
	struct blocks all[32];
	int cnt = 0;

	for (int i = 0; i < 32; i++) {
		struct blocks *b = &all[cnt];

		*b = (struct blocks){ 0 };
		snprintf(path, sizeof(path), "%s/hpack/hpack-test-case/%s/story_%02d.json", base, encoder, i);
		load_story(b, path);
		cnt += b->cnt > 0;
	}
	/* All stories in turn, so that nothing is left of one in any cache when it comes again. */
	for (int r = 0; r < ROUNDS; r++) {
		for (int i = 0; i < 2 * cnt; i++) {
			const struct blocks *b = &all[i / 2];
			double t = now();
			long fields = i & 1 ? run_spf(b) : run_nghttp2(b);

			t = now() - t;
			one[i] = r && one[i] < t ? one[i] : t;
			n.fields[i & 1] += r ? 0 : fields;
		}
	}
	for (int i = 0; i < 2 * cnt; i++)
		n.s[i & 1] += one[i];
	for (int i = 0; i < 2; i++) {
		total->s[i] += n.s[i];
		total->fields[i] += n.fields[i];
	}
	snprintf(path, sizeof(path), "corpora: %s", encoder);
	if (cnt)
		print_sums(path, &n);
}

static int compare_corpora(const char *base)
{
	static const char *const encoders[] = {
		"nghttp2",		"nghttp2-change-table-size",
		"go-hpack",		"haskell-http2-linear-huffman",
		"haskell-http2-naive",	"haskell-http2-static",
		"swift-nio-hpack-plain-text",
	};
	struct sums total = { 0 };

	for (size_t i = 0; i < sizeof(encoders) / sizeof(encoders[0]); i++)
		compare_stories(base, encoders[i], &total);
	if (total.fields[0])
		print_sums("corpora: all", &total);
	return total.fields[0] != total.fields[1];
}

static void put_frame(struct buf *out, uint32_t len, uint8_t type, uint8_t flags, uint32_t id,
		      struct bytes payload)
{
	uint8_t head[9] = { (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, type, flags,
			    (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id };

	buf_append(out, bytes_of(head, 9));
	if (payload.p)
		buf_append(out, payload);
	else
		memset(buf_reserve(out, len), 1, len), buf_added(out, len);
}

static const struct stamp no_stamp = { .read_ns = -1, .comm = "bench" };

/* DATA of 1 KiB, WINDOW_UPDATE, PING, SETTINGS: no header blocks. */
static void frames(void)
{
	struct buf in = { 0 };
	int cnt = 0;
	double best = 1e18, best_record = 1e18;

	for (int i = 0; i < 2000; i++, cnt += 4) {
		put_frame(&in, 1024, H2_DATA, 0, 1, (struct bytes){ 0 });
		put_frame(&in, 4, H2_WINDOW_UPDATE, 0, 1, (struct bytes){ 0 });
		put_frame(&in, 8, H2_PING, 0, 0, (struct bytes){ 0 });
		put_frame(&in, 0, H2_SETTINGS, H2_ACK, 0, (struct bytes){ 0 });
	}
	for (int r = 0; r < ROUNDS; r++) {
		struct bytes rest = buf_bytes(&in), part;
		struct h2_event ev;
		struct h2 h;
		size_t used;
		double t;
		int n = 0;

		h2_init(&h, 1, 1, false);
		t = now();
		while (h2_next(&h, 0, rest, &used, &no_stamp, &ev) > 0) {
			bytes_take(&rest, used, &part);
			n++;
		}
		t = now() - t;
		best = t < best ? t : best;
		if (n != cnt)
			abort();
		h2_release(&h);
	}
	for (int r = 0; r < ROUNDS; r++) {
		struct want want = { .kind = { [KIND_FRAME] = true } };
		struct conn_info info = { .seen_open = true, .addr = "/run/app.sock" };
		struct decoder *d = decoder_new(&want, &info);
		struct batch *b = batch_new();
		double t = now();
		int rc;

		decoder_feed(d, 1, H2_PREFACE, &no_stamp);
		while (decoder_next(d, b) == 1)
			;
		decoder_feed(d, 0, buf_bytes(&in), &no_stamp);
		while ((rc = decoder_next(d, b)))
			if (rc == -ENOSPC)
				batch_init(b, b->cap);
		t = now() - t;
		best_record = t < best_record ? t : best_record;
		decoder_free(d);
		free(b);
	}
	printf("\nframing: %.1f ns a frame, with its record %.1f ns\n", best / cnt, best_record / cnt);
	buf_release(&in);
}

static size_t allocated(void)
{
	return mallinfo2().uordblks;
}

static void drain(struct decoder *d, struct batch *b)
{
	int rc;

	while ((rc = decoder_next(d, b)))
		if (rc == -ENOSPC)
			batch_init(b, b->cap);
}

static struct decoder *connection(const struct want *want, struct conn_info *info, struct batch *b,
				  const struct blocks *requests, const struct blocks *responses,
				  uint32_t calls)
{
	struct buf to = { 0 }, from = { 0 };
	struct decoder *d = decoder_new(want, info);

	buf_append(&to, H2_PREFACE);
	put_frame(&to, 0, H2_SETTINGS, 0, 0, BYTES_LIT(""));
	put_frame(&from, 0, H2_SETTINGS, 0, 0, BYTES_LIT(""));
	put_frame(&from, 0, H2_SETTINGS, H2_ACK, 0, BYTES_LIT(""));
	for (uint32_t k = 0; k < calls; k++) {
		put_frame(&to, (uint32_t)requests->v[k].len, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM,
			  1 + 2 * k, requests->v[k]);
		put_frame(&from, (uint32_t)responses->v[k].len, H2_HEADERS,
			  H2_END_HEADERS | H2_END_STREAM, 1 + 2 * k, responses->v[k]);
	}
	decoder_feed(d, 0, buf_bytes(&to), &no_stamp);
	drain(d, b);
	decoder_feed(d, 1, buf_bytes(&from), &no_stamp);
	drain(d, b);
	buf_consume(&to, to.len);
	put_frame(&to, 0, H2_SETTINGS, H2_ACK, 0, BYTES_LIT(""));
	decoder_feed(d, 0, buf_bytes(&to), &no_stamp);
	drain(d, b);
	buf_release(&to);
	buf_release(&from);
	return d;
}

/* So many that what malloc keeps of freed blocks, some 100 KiB at most, does not show. */
enum { CONNS = 2000, STREAMS = 1000 };

static size_t idle_len(const struct want *want, struct batch *b, const struct blocks *requests,
		       const struct blocks *responses, uint32_t calls)
{
	static struct conn_info info[CONNS];
	static struct decoder *d[CONNS];
	size_t before = allocated(), len;

	for (int i = 0; i < CONNS; i++) {
		info[i] = (struct conn_info){ .id = (uint32_t)i, .seen_open = true, .addr = "/run/app.sock" };
		d[i] = connection(want, &info[i], b, requests, responses, calls);
	}
	len = (allocated() - before) / CONNS;
	for (int i = 0; i < CONNS; i++)
		decoder_free(d[i]);
	return len;
}

static void memory(const struct blocks *requests, const struct blocks *responses)
{
	struct want want = { .kind = { [KIND_FRAME] = true, [KIND_CALL] = true, [KIND_MESSAGE] = true } };
	struct conn_info info = { .id = 1, .seen_open = true, .addr = "/run/app.sock" };
	struct batch *b = batch_new();
	struct decoder *d;
	static const uint8_t message[] = { 0, 0, 0, 0, 3, 8, 1, 16 }; /* whole; its first 6 bytes not */
	size_t few, many, before, open[3];

	run_spf(requests); /* what all connections share is there before */
	few = idle_len(&want, b, requests, responses, 5);
	many = idle_len(&want, b, requests, responses, 60);
	d = connection(&want, &info, b, requests, responses, 60);
	before = allocated();
	for (int step = 0; step < 3; step++) {
		for (uint32_t k = 60; k < 60 + STREAMS; k++) {
			struct bytes data = bytes_of(message, step == 1 ? 8 : 6);
			struct buf to = { 0 };

			if (step)
				put_frame(&to, (uint32_t)data.len, H2_DATA, 0, 1 + 2 * k, data);
			else
				put_frame(&to, (uint32_t)requests->v[k].len, H2_HEADERS, H2_END_HEADERS,
					  1 + 2 * k, requests->v[k]);
			decoder_feed(d, 0, buf_bytes(&to), &no_stamp);
			drain(d, b);
			buf_release(&to);
		}
		open[step] = (allocated() - before) / STREAMS;
	}
	printf("memory: idle connection %zu bytes after 5 calls, %zu with both tables full\n"
	       "        open stream %zu bytes, after a message %zu, within a message %zu\n",
	       few, many, open[0], open[1], open[2]);
	decoder_free(d);
	free(b);
}

int main(void)
{
	const char *base = getenv("SPF_CORPORA");
	struct blocks v[4] = { 0 };
	int bad = 0;

	for (int i = 0; i < 4; i++)
		synthetic(&v[i], i & 1, i & 2, 8000);
	printf("%-44s %7s %9s %9s %7s\n", "header blocks, ns a field", "fields", "nghttp2", "spf", "ratio");
	bad += compare("requests of 10 fields, steady state", &v[0]);
	bad += compare("responses of 10 fields, steady state", &v[1]);
	bad += compare("requests, first on a connection", &v[2]);
	bad += compare("responses, first on a connection", &v[3]);
	bad += base ? compare_corpora(base) : 0;
	frames();
	memory(&v[0], &v[1]);
	if (bad)
		printf("bench-decode: the two decoders disagree\n");
	return bad != 0;
}
