/* SPDX-License-Identifier: BSD-2-Clause */
/* How fast records reach scripts: decoding alone, decoding and a script, and decoding and the
 * naive way (a table with every field set by lua_setfield, a protected call a record), in turn
 * and in one process, by CPU time.
 *
 * Traffic, made with libnghttp2's HPACK encoder: 50 % DATA of 1 KiB, 30 % HEADERS of ten fields
 * (a unique x-request-id, 5 % of the paths unique), 18 % WINDOW_UPDATE, 2 % SETTINGS, on 16
 * connections; chunks of about 16 KiB. 4,096 frames, decoded again and again: they stay in the
 * cache, as what a read(2) has just copied does.
 *
 * usage: scripts [ROUNDS]       or scripts --dump [FRAMES] > TRACE: as text, for spf -r
 */
#include <fcntl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "decode/decoder.h"
#include "decode/names.h"
#include "sandbox.h"
#include "script/script.h"
#include "util/buf.h"
#include "util/xalloc.h"

enum { CONNS = 16, CHUNK = 16384, FRAMES = 4096, REPEATS = 16, ROUNDS = 7, ROUNDS_MAX = 50 };

struct conn {
	nghttp2_hd_deflater *deflater;
	struct buf bytes; /* of the client */
	size_t *cut; /* where its chunks end */
	size_t cut_cnt;
	uint32_t stream;
};

static struct conn conns[CONNS];
static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static uint32_t rnd(void)
{
	static uint32_t x = 12345;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

static void put_frame(struct conn *c, uint8_t type, uint8_t flags, uint32_t stream, const void *p,
		      size_t len)
{
	uint8_t head[9] = { (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, type, flags,
			    (uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8),
			    (uint8_t)stream };

	buf_append(&c->bytes, bytes_of(head, sizeof(head)));
	buf_append(&c->bytes, bytes_of(p, len));
}

static nghttp2_nv field(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
			     strlen(value), NGHTTP2_NV_FLAG_NONE };
}

static void put_headers(struct conn *c, int i)
{
	char path[64], id[64];
	uint8_t block[1024];
	nghttp2_nv nv[10];
	ssize_t len;

	snprintf(path, sizeof(path), i % 20 == 0 ? "/api/v1/items/%d" : "/shop.Shop/Method%d",
		 i % 20 == 0 ? i : (int)(rnd() % 8));
	snprintf(id, sizeof(id), "%08x-%08x-%08x", rnd(), rnd(), (uint32_t)i);
	nv[0] = field(":method", "POST");
	nv[1] = field(":scheme", "http");
	nv[2] = field(":path", path);
	nv[3] = field(":authority", "shop.internal:8080");
	nv[4] = field("content-type", "application/grpc");
	nv[5] = field("te", "trailers");
	nv[6] = field("user-agent", "grpc-go/1.60.0");
	nv[7] = field("grpc-timeout", "1S");
	nv[8] = field("x-tenant", rnd() % 2 ? "red" : "blue");
	nv[9] = field("x-request-id", id);
	len = nghttp2_hd_deflate_hd(c->deflater, block, sizeof(block), nv, 10);
	c->stream += 2;
	put_frame(c, 1, 4, c->stream, block, (size_t)len);
}

static void put_one(struct conn *c, int i)
{
	static uint8_t data[1024];
	uint32_t dice = rnd() % 100;

	if (i < CONNS || dice < 30)
		put_headers(c, i);
	else if (dice < 80)
		put_frame(c, 0, 0, c->stream, data, sizeof(data));
	else if (dice < 98)
		put_frame(c, 8, 0, c->stream, "\0\0\10\0", 4);
	else
		put_frame(c, 4, 0, 0, "\0\3\0\0\0\144\0\4\0\1\0\0", 12);
}

static void make_traffic(void)
{
	for (int i = 0; i < CONNS; i++) {
		conns[i].cut = xcalloc(FRAMES / CONNS + 1, sizeof(size_t));
		nghttp2_hd_deflate_new(&conns[i].deflater, 4096);
		conns[i].stream = UINT32_MAX; /* + 2 = 1 */
		put_frame(&conns[i], 4, 0, 0, "", 0);
	}
	for (int i = 0; i < FRAMES; i++) {
		struct conn *c = &conns[i % CONNS];
		size_t last = c->cut_cnt ? c->cut[c->cut_cnt - 1] : 0;

		put_one(c, i);
		if (c->bytes.len - last >= CHUNK || i >= FRAMES - CONNS)
			c->cut[c->cut_cnt++] = c->bytes.len;
	}
}

/* Where records go: nowhere, to scripts, or naively to a Lua state. */
struct taker {
	struct scripts *s;
	lua_State *naive;
	struct batch *own;
	uint64_t frames;
};

static void set_text(lua_State *L, const char *key, struct bytes b)
{
	lua_pushlstring(L, (const char *)b.p, b.len);
	lua_setfield(L, -2, key);
}

static void set_number(lua_State *L, const char *key, double n)
{
	lua_pushnumber(L, n);
	lua_setfield(L, -2, key);
}

static void push_headers(lua_State *L, const struct batch *b, const struct rec_frame *f)
{
	const struct header *h = batch_headers(b, f->headers);

	lua_newtable(L);
	for (uint32_t i = 0; h && i < f->headers.count; i++) {
		lua_pushlstring(L, (const char *)batch_bytes(b, h[i].name).p, h[i].name.len);
		lua_pushlstring(L, (const char *)batch_bytes(b, h[i].value).p, h[i].value.len);
		lua_rawset(L, -3);
	}
	lua_setfield(L, -2, "headers");
}

/* What sniffers with scripts do: the function by name, a new table, every field, pcall. */
static void push_naive(lua_State *L, const struct batch *b, const struct rec_frame *f)
{
	const char *name = names_frame_type(f->type);

	lua_getglobal(L, "on_frame");
	lua_newtable(L);
	set_text(L, "type", bytes_str(name ? name : "?"));
	set_number(L, "flags", f->flags);
	set_number(L, "length", f->length);
	set_number(L, "stream_id", f->stream_id);
	set_number(L, "conn_id", f->r.conn_id);
	set_number(L, "ts", (double)f->r.ts_ns / 1e9);
	set_text(L, "from", bytes_str(role_name(f->r.from)));
	if (f->ctx.path.off)
		set_text(L, "path", batch_bytes(b, f->ctx.path));
	if (f->data.off)
		set_text(L, "data", batch_bytes(b, f->data));
	if (f->headers.off)
		push_headers(L, b, f);
	if (f->type == 8)
		set_number(L, "window_size_increment", f->window_size_increment);
	if (lua_pcall(L, 1, 0, 0)) {
		fprintf(stderr, "naive: %s\n", lua_tostring(L, -1));
		exit(1);
	}
}

static struct batch *hand_over(struct taker *t, struct batch *b, uint32_t need)
{
	for (uint32_t i = 0; i < b->count; i++) {
		struct record *r = batch_at(b, i);

		if (r->kind != KIND_FRAME)
			continue;
		t->frames++;
		if (t->naive)
			push_naive(t->naive, b, (struct rec_frame *)r);
	}
	if (t->s) {
		scripts_run(t->s, b);
		return scripts_batch(t->s, need);
	}
	batch_init(b, b->cap);
	return b;
}

static double cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct batch *feed(struct taker *t, struct decoder *d, int dir, struct bytes in,
			  struct batch *b)
{
	struct stamp st = { .ts_ns = 1700000000000000000, .read_ns = -1, .pid = 1, .tid = 1,
			    .reader_pid = -1, .comm = "client" };
	int rc;

	decoder_feed(d, dir, in, &st);
	while ((rc = decoder_fill(d, b)) != 0) { /* as pipeline.c does */
		if (rc < 0)
			b = hand_over(t, b, decoder_need(d));
	}
	return b;
}

/* The server's first word: settings, and room for all DATA of the client. */
static const uint8_t welcome[] = { 0, 0, 0, 4, 0, 0, 0, 0,    0, 0, 0,
				   4, 8, 0, 0, 0, 0, 0, 0x3f, 0, 0, 0 };

/* Decodes all traffic once into t. */
static void decode_all(struct taker *t, const struct want *want)
{
	struct conn_info info[CONNS];
	struct decoder *d[CONNS];
	struct batch *b = t->s ? scripts_batch(t->s, 0) : t->own;

	for (int i = 0; i < CONNS; i++) {
		struct stamp st = { .read_ns = -1, .pid = -1 };

		info[i] = (struct conn_info){ .id = (uint32_t)i + 1, .addr = "/run/shop.sock",
					      .seen_open = true, .role = { ROLE_CLIENT, ROLE_SERVER } };
		d[i] = decoder_new(want, &info[i]);
		decoder_open(d[i], &st);
		b = feed(t, d[i], 0, bytes_of(preface, sizeof(preface) - 1), b);
		b = feed(t, d[i], 1, bytes_of(welcome, sizeof(welcome)), b);
	}
	for (size_t n = 0, more = 1; more; n++) {
		more = 0;
		for (int i = 0; i < CONNS; i++) {
			size_t from = n ? conns[i].cut[n - 1] : 0;

			if (n >= conns[i].cut_cnt)
				continue;
			more = 1;
			b = feed(t, d[i], 0, bytes_of(buf_bytes(&conns[i].bytes).p + from, conns[i].cut[n] - from), b);
		}
	}
	b = hand_over(t, b, 0);
	for (int i = 0; i < CONNS; i++)
		decoder_free(d[i]);
}

/* Returns the CPU time in ns a frame. */
static double run(struct taker *t, const struct want *want)
{
	double start = cpu();

	t->frames = 0;
	for (int i = 0; i < REPEATS; i++)
		decode_all(t, want);
	return (cpu() - start) * 1e9 / (double)t->frames;
}

static const struct {
	const char *name, *text;
	double least; /* M frames a second */
	double ratio; /* against the naive way */
} cases[] = {
	{ "type count", "local n = {}\nfunction on_frame(f) local t = f.type n[t] = (n[t] or 0) + 1 end", 4, 5 },
	{ "count by path", "local n = {}\nfunction on_frame(f) if f.type == 'HEADERS' then local p = f.path "
			   "n[p] = (n[p] or 0) + 1 end end", 2, 4 },
	{ "all headers", "local n = 0\nfunction on_frame(f) local h = f.headers if h then for k, v in h:each() do "
			 "n = n + #k + #v end end end", 1.2, 2 },
	{ "tracker", "local streams, lat, open = {}, {}, 0\n"
		     "local function template(p) return (p:gsub('%d+', 'N')) end\n"
		     "local function key(f) return f.conn_id * 4294967296 + f.stream_id end\n"
		     "function on_frame(f)\n"
		     "  local t = f.type\n"
		     "  if t == 'HEADERS' then\n"
		     "    local h = f.headers\n"
		     "    local path = h[':path']\n"
		     "    local service = path:match('^/([^/]+)/')\n"
		     "    local k = key(f)\n"
		     "    if open > 5000 then streams, open = {}, 0 end\n"
		     "    streams[k] = { path = template(path), service = service, start = f.ts, bytes = 0,\n"
		     "      tenant = h['x-tenant'], deadline = h['grpc-timeout'] }\n"
		     "    open = open + 1\n"
		     "  elseif t == 'DATA' then\n"
		     "    local s = streams[key(f)]\n"
		     "    if s then\n"
		     "      s.bytes = s.bytes + f.length\n"
		     "      s.last = f.ts\n"
		     "    end\n"
		     "  elseif t == 'WINDOW_UPDATE' then\n"
		     "    local s = streams[key(f)]\n"
		     "    if s then\n"
		     "      local l = lat[s.path]\n"
		     "      if not l then l = { n = 0, bytes = 0, max = 0 } lat[s.path] = l end\n"
		     "      l.n = l.n + 1\n"
		     "      l.bytes = l.bytes + s.bytes\n"
		     "      local took = f.ts - s.start\n"
		     "      if took > l.max then l.max = took end\n"
		     "    end\n"
		     "  end\n"
		     "end", 0.8, 2 },
};

enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct scripts *load(const char *text, struct sink *out)
{
	struct script_source src = { .what = SCRIPT_FILE, .name = "bench.lua", .text = bytes_str(text) };
	struct script_options o = { 0 };
	char *why;
	struct scripts *s = scripts_new(&src, 1, &o, out, &why);

	if (!s) {
		fprintf(stderr, "%s\n", why);
		exit(1);
	}
	return s;
}

/* The naive state sees f.headers as a plain map, so it counts with pairs. */
static lua_State *load_naive(const char *text)
{
	lua_State *L = luaL_newstate();
	char *plain = xstrdup(text), *each = strstr(plain, "h:each()");

	if (each)
		memcpy(each, "pairs(h)", 8);
	luaL_openlibs(L);
	if (luaL_dostring(L, plain)) {
		fprintf(stderr, "naive: %s\n", lua_tostring(L, -1));
		exit(1);
	}
	free(plain);
	return L;
}

static void print_case(int c, int rounds, double *decode, double *script, double *naive)
{
	double d, s, n;

	qsort(decode, (size_t)rounds, sizeof(double), by_value);
	qsort(script, (size_t)rounds, sizeof(double), by_value);
	qsort(naive, (size_t)rounds, sizeof(double), by_value);
	d = decode[rounds / 2];
	s = script[rounds / 2];
	n = naive[rounds / 2];
	printf("%-14s %7.0f %7.0f %7.0f  %6.2f %6.2f  (want %.1f)  %5.2f  %5.1fx %5.1fx  (want %.0fx)\n", cases[c].name,
	       d, s, n, 1e3 / s, 1e3 / script[0], cases[c].least, s / d, n / s, (n - d) / (s - d), cases[c].ratio);
}

static void bench(int rounds)
{
	struct sink_options so = { .format = SINK_TEXT };
	char *why;
	struct sink *out = sink_new(open("/dev/null", O_WRONLY), &so, &why);
	double decode[ROUNDS_MAX], script[ROUNDS_MAX], naive[ROUNDS_MAX];

	printf("ns a frame by CPU time, median of %d; frames a second in millions: median, best; ratios: script to\n"
	       "decode only; naive to script, with decoding and without\n", rounds);
	printf("%-14s %7s %7s %7s  %6s %6s %12s  %5s  %6s %6s\n", "script", "decode", "script", "naive", "M/s", "best",
	       "", "/dec", "naive/", "less");
	for (int c = 0; c < CASES; c++) {
		struct want all = { .kind = { [KIND_FRAME] = true }, .data = true, .headers = true };
		struct want own = { 0 };
		struct taker d = { .own = batch_new() }, n = { .own = batch_new() }, s = { 0 };

		s.s = load(cases[c].text, out);
		n.naive = load_naive(cases[c].text);
		scripts_want(s.s, &own);
		for (int i = -1; i < rounds; i++) { /* the first warms up */
			double x = run(&d, &own), y = run(&s, &own), z = run(&n, &all);

			if (i < 0)
				continue;
			decode[i] = x;
			script[i] = y;
			naive[i] = z;
		}
		print_case(c, rounds, decode, script, naive);
		if (scripts_errors(s.s))
			exit(1);
		scripts_free(s.s);
		lua_close(n.naive);
		free(d.own);
		free(n.own);
	}
	sink_free(out);
}

static void dump_chunk(int conn, char dir, struct bytes b)
{
	printf("%c ", dir);
	for (size_t i = 0; i < b.len; i++)
		printf("%02x", b.p[i]);
	printf(" conn=%d\n", conn + 1);
}

/* A connection from its beginning to its end. */
static void dump_conn(const struct conn *c, int number)
{
	printf("O early=1 role=client addr=/run/shop%d.sock conn=%d\n", number % CONNS, number + 1);
	dump_chunk(number, 'C', bytes_of(preface, sizeof(preface) - 1));
	dump_chunk(number, 'S', bytes_of(welcome, sizeof(welcome)));
	for (size_t n = 0; n < c->cut_cnt; n++) {
		size_t at = n ? c->cut[n - 1] : 0;

		dump_chunk(number, 'C', bytes_of(buf_bytes(&c->bytes).p + at, c->cut[n] - at));
	}
	printf("F C conn=%d\nF S conn=%d\n", number + 1, number + 1);
}

/* The same traffic on new connections until it is so many frames. */
static void dump(int cnt)
{
	puts("@ epoch=1700000000 start=0");
	for (int round = 0; round * FRAMES < cnt; round++)
		for (int i = 0; i < CONNS; i++)
			dump_conn(&conns[i], round * CONNS + i);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[argc - 1]) : 0;

	make_traffic();
	if (argc > 1 && strcmp(argv[1], "--dump") == 0)
		dump(n > 0 ? n : FRAMES);
	else
		bench(n > 0 && n <= ROUNDS_MAX ? n : ROUNDS);
	return 0;
}
