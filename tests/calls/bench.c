/* SPDX-License-Identifier: BSD-2-Clause */
/* What calls cost on top of decoding: the same unary gRPC calls (8 on a connection at a time, as
 * C-core's headers look, a 60-byte request, a 200-byte response) and HTTP/1 exchanges, decoded for
 * one kind of record after another. The best of several rounds each, CPU time of this process. */
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "decode/decoder.h"
#include "util/buf.h"
#include "util/xalloc.h"

enum { ROUNDS = 7, CALLS = 20000, AT_ONCE = 8 };

struct write {
	int dir;
	size_t at, len;
};

struct traffic {
	struct buf bytes;
	struct write *v;
	size_t cnt;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Everything appended since the last write becomes one. */
static void end_write(struct traffic *t, int dir)
{
	size_t at = t->cnt ? t->v[t->cnt - 1].at + t->v[t->cnt - 1].len : 0;

	if (t->cnt % 1024 == 0)
		t->v = xrealloc(t->v, (t->cnt + 1024) * sizeof(*t->v));
	t->v[t->cnt++] = (struct write){ dir, at, t->bytes.len - at };
}

static void frame(struct buf *b, int type, int flags, uint32_t id, struct bytes in)
{
	uint8_t head[9] = { (uint8_t)(in.len >> 16), (uint8_t)(in.len >> 8), (uint8_t)in.len,
			    (uint8_t)type, (uint8_t)flags, (uint8_t)(id >> 24), (uint8_t)(id >> 16),
			    (uint8_t)(id >> 8), (uint8_t)id };

	buf_append(b, bytes_of(head, 9));
	buf_append(b, in);
}

#define NV(n, v) { (uint8_t *)(n), (uint8_t *)(v), strlen(n), strlen(v), 0 }

static void block(struct buf *b, nghttp2_hd_deflater *def, int flags, uint32_t id,
		  const nghttp2_nv *nv, size_t n)
{
	uint8_t out[4096];
	ssize_t len = nghttp2_hd_deflate_hd(def, out, sizeof(out), nv, n);

	frame(b, 1, flags, id, bytes_of(out, (size_t)len));
}

static void message(struct buf *b, int flags, uint32_t id, size_t len)
{
	uint8_t body[512] = { 0 };

	memset(body + 5, 'm', len);
	body[4] = (uint8_t)len;
	frame(b, 0, flags, id, bytes_of(body, 5 + len));
}

static void request(struct traffic *t, nghttp2_hd_deflater *def, uint32_t id)
{
	const nghttp2_nv nv[] = {
		NV(":path", id % 3 ? "/shop.Orders/Get" : "/shop.Orders/List"),
		NV(":authority", "localhost"), NV(":method", "POST"), NV(":scheme", "http"),
		NV("content-type", "application/grpc"), NV("te", "trailers"),
		NV("grpc-accept-encoding", "identity, deflate, gzip"), NV("grpc-timeout", "100m"),
		NV("user-agent", "grpc-python/1.51.1 grpc-c/29.0.0 (linux; chttp2)"),
	};

	block(&t->bytes, def, 4, id, nv, sizeof(nv) / sizeof(nv[0]));
	message(&t->bytes, 1, id, 60);
	end_write(t, 0);
}

static void response(struct traffic *t, nghttp2_hd_deflater *def, uint32_t id)
{
	const nghttp2_nv head[] = { NV(":status", "200"), NV("content-type", "application/grpc"),
				    NV("grpc-accept-encoding", "identity, deflate, gzip") };
	const nghttp2_nv tail[] = { NV("grpc-status", "0") };

	block(&t->bytes, def, 4, id, head, 3);
	message(&t->bytes, 0, id, 200);
	block(&t->bytes, def, 5, id, tail, 1);
	end_write(t, 1);
}

static void make_grpc(struct traffic *t)
{
	nghttp2_hd_deflater *def[2];

	nghttp2_hd_deflate_new(&def[0], 4096);
	nghttp2_hd_deflate_new(&def[1], 4096);
	buf_puts(&t->bytes, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	frame(&t->bytes, 4, 0, 0, (struct bytes){ 0 });
	end_write(t, 0);
	frame(&t->bytes, 4, 0, 0, (struct bytes){ 0 });
	end_write(t, 1);
	for (uint32_t i = 0; i < CALLS; i += AT_ONCE) {
		for (uint32_t k = 0; k < AT_ONCE; k++)
			request(t, def[0], 2 * (i + k) + 1);
		for (uint32_t k = 0; k < AT_ONCE; k++)
			response(t, def[1], 2 * (i + k) + 1);
	}
	nghttp2_hd_deflate_del(def[0]);
	nghttp2_hd_deflate_del(def[1]);
}

static void make_http1(struct traffic *t)
{
	for (int i = 0; i < CALLS; i++) {
		buf_puts(&t->bytes, "GET /v1.41/containers/json?all=1 HTTP/1.1\r\nHost: docker\r\n"
				    "User-Agent: Docker-Client/20.10.24 (linux)\r\n"
				    "Accept: */*\r\n\r\n");
		end_write(t, 0);
		buf_puts(&t->bytes, "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\n"
				    "Docker-Experimental: false\r\nOstype: linux\r\n"
				    "Date: Sat, 21 Nov 2026 04:59:17 GMT\r\nContent-Length: 100\r\n\r\n"
				    "[1234567890123456789012345678901234567890123456789]"
				    "[12345678901234567890123456789012345678901234567]");
		end_write(t, 1);
	}
}

static uint64_t drain(struct decoder *d, struct batch *b)
{
	uint64_t records = 0;
	int rc;

	while ((rc = decoder_next(d, b)) != 0) {
		if (rc < 0) {
			records += b->count;
			batch_init(b, b->cap);
		}
	}
	return records;
}

/* CPU nanoseconds of one pass; *records is how many there were. */
static double pass(const struct traffic *t, const struct want *want, struct batch *b,
		   uint64_t *records)
{
	struct conn_info info = { .id = 1, .addr = "/run/bench.sock", .seen_open = true };
	struct stamp st = { .ts_ns = 1, .read_ns = 2, .pid = 1, .reader_pid = 2, .comm = "bench" };
	struct decoder *d = decoder_new(want, &info);
	const uint8_t *bytes = buf_bytes(&t->bytes).p;
	double start = now();

	*records = 0;
	batch_init(b, b->cap);
	for (size_t i = 0; i < t->cnt; i++) {
		st.ts_ns += 1000;
		st.read_ns += 1000;
		decoder_feed(d, t->v[i].dir, bytes_of(bytes + t->v[i].at, t->v[i].len), &st);
		*records += drain(d, b);
	}
	*records += b->count;
	start = now() - start;
	decoder_free(d);
	return start;
}

static const struct {
	const char *name;
	struct want want;
} wants[] = {
	{ "nothing (decode only)", { .kind = { 0 } } },
	{ "frames", { .kind = { [KIND_FRAME] = true } } },
	{ "calls", { .kind = { [KIND_CALL] = true } } },
	{ "calls + headers", { .kind = { [KIND_CALL] = true }, .headers = true } },
	{ "messages", { .kind = { [KIND_MESSAGE] = true } } },
	{ "messages + data", { .kind = { [KIND_MESSAGE] = true }, .data = true } },
	{ "http", { .kind = { [KIND_HTTP] = true } } },
	{ "http + headers + body", { .kind = { [KIND_HTTP] = true }, .data = true, .headers = true } },
};

static void bench(const char *what, const struct traffic *t)
{
	struct batch *b = batch_new();
	double alone = 0;

	printf("%s: %d calls, %zu bytes a call\n", what, CALLS, t->bytes.len / CALLS);
	printf("  %-24s %10s %10s %14s %12s\n", "wanted", "ns/call", "above", "records/s", "calls/s");
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		double best = 1e18, ns;
		uint64_t records = 0;

		for (int r = 0; r < ROUNDS; r++) {
			ns = pass(t, &wants[i].want, b, &records);
			best = ns < best ? ns : best;
		}
		alone = i ? alone : best;
		printf("  %-24s %10.0f %10.0f %14.0f %12.0f\n", wants[i].name, best / CALLS,
		       (best - alone) / CALLS, (double)records / best * 1e9, CALLS / best * 1e9);
	}
	free(b);
}

int main(void)
{
	struct traffic grpc = { 0 }, http1 = { 0 };

	make_grpc(&grpc);
	make_http1(&http1);
	bench("gRPC over HTTP/2", &grpc);
	bench("HTTP/1.1", &http1);
	return 0;
}
