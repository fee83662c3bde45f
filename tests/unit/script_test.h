/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a script on records built by hand and captures what it prints. */
#ifndef SPF_TESTS_SCRIPT_TEST_H
#define SPF_TESTS_SCRIPT_TEST_H

#include "test.h"

#include <fcntl.h>

#include "script/script.h"

struct bench {
	struct sink *out;
	struct scripts *s;
	struct batch *b;
	int fd;
	char *why;
	uint64_t seq;
	char *text; /* what was printed so far */
};

static inline struct bench bench_of(const struct script_source *src, size_t cnt,
				    struct script_options o)
{
	struct bench t = { 0 };
	struct sink_options so = { .format = SINK_TEXT };
	char *why = NULL;
	struct script_source *kept = malloc(cnt * sizeof(*kept)); /* as long as the scripts live */

	memcpy(kept, src, cnt * sizeof(*kept));
	t.fd = memfd_create("out", 0);
	t.out = sink_new(t.fd, &so, &why);
	t.s = scripts_new(kept, cnt, &o, t.out, &t.why);
	return t;
}

static inline struct bench bench_script(const char *text)
{
	struct script_source src = { .what = SCRIPT_FILE, .name = "t.lua", .text = bytes_str(text) };
	struct bench t = bench_of(&src, 1, (struct script_options){ 0 });

	if (!t.s)
		fail_msg("%s", t.why);
	t.b = scripts_batch(t.s, 0);
	return t;
}

static inline struct bench bench_line(int what, const char *text, uint32_t kinds)
{
	struct script_source src = { .what = what, .name = what == SCRIPT_EXPR ? "-e" : "-f",
				     .text = bytes_str(text), .kinds = kinds };
	struct bench t = bench_of(&src, 1, (struct script_options){ 0 });

	if (!t.s)
		fail_msg("%s", t.why);
	t.b = scripts_batch(t.s, 0);
	return t;
}

static inline void bench_run(struct bench *t)
{
	scripts_run(t->s, t->b);
	t->b = scripts_batch(t->s, 0);
}

static inline const char *bench_text(struct bench *t)
{
	off_t len;

	sink_flush(t->out);
	len = lseek(t->fd, 0, SEEK_END);
	free(t->text);
	t->text = calloc(1, (size_t)len + 1);
	if (pread(t->fd, t->text, (size_t)len, 0) != len)
		abort();
	return t->text;
}

static inline void bench_end(struct bench *t)
{
	struct script_summary sum = { .records = t->seq, .reason = "eof" };

	scripts_end(t->s, &sum);
}

static inline void bench_free(struct bench *t)
{
	scripts_free(t->s);
	sink_free(t->out);
	close(t->fd);
	free(t->text);
	free(t->why);
}

/* The message with which a source is refused; valid until the next call. */
static inline const char *refused_source(const struct script_source *src)
{
	static char why[1024];
	struct bench t = bench_of(src, 1, (struct script_options){ 0 });

	if (t.s)
		fail_msg("not refused: %s", (const char *)src->text.p);
	snprintf(why, sizeof(why), "%s", t.why);
	bench_free(&t);
	return why;
}

static inline const char *refused(const char *text)
{
	struct script_source src = { .what = SCRIPT_FILE, .name = "t.lua", .text = bytes_str(text) };

	return refused_source(&src);
}

#define assert_says(got, want) assert_says_at((got), (want), __FILE__, __LINE__)
static inline void assert_says_at(const char *got, const char *want, const char *file, int line)
{
	if (strcmp(got, want) == 0)
		return;
	fprintf(stderr, "got:\n%s\nwant:\n%s\n", got, want);
	_fail(file, line);
}

static inline struct str S(struct bench *t, const char *text)
{
	return text ? batch_str(t->b, bytes_str(text)) : (struct str){ 0, 0 };
}

static inline void *add_record(struct bench *t, uint32_t len, uint8_t kind)
{
	struct record head = { .kind = kind, .seq = ++t->seq, .conn_id = 7, .pid = 42, .from = ROLE_CLIENT,
			       .ts_ns = 1700000000000000000 + (int64_t)t->seq * 1000000,
			       .elapsed_ns = (int64_t)t->seq * 1000000, .queue_ns = -1, .proto = PROTO_H2,
			       .exact = 1 };
	struct record *r;

	if (!batch_room(t->b, 2048) || t->b->count == BATCH_RECORDS)
		bench_run(t);
	r = batch_record(t->b, len, &head);
	if (!r)
		abort();
	r->comm = S(t, "curl");
	r->addr = S(t, "/run/app.sock");
	return r;
}

static inline struct rec_frame *add_frame(struct bench *t, uint8_t type, uint32_t stream)
{
	struct rec_frame *f = add_record(t, sizeof(*f), KIND_FRAME);

	f->type = type;
	f->stream_id = stream;
	f->trailers = f->exclusive = TRI_ABSENT;
	f->status = f->missing = f->header_bytes = f->continuations = f->weight = f->pad_length = -1;
	f->stream_dependency = f->window = f->conn_window = f->stalled_ns = -1;
	return f;
}

/* A request's HEADERS with the fields given as name, value, …, NULL. */
static inline struct rec_frame *add_headers(struct bench *t, uint32_t stream, const char *path, ...)
{
	struct rec_frame *f = add_frame(t, 1, stream);
	struct header h[32];
	uint32_t n = 0;
	va_list ap;

	f->complete = 1;
	f->missing = f->continuations = 0;
	f->header_bytes = 40;
	f->ctx.path = S(t, path);
	f->ctx.method = S(t, "POST");
	f->ctx.is_grpc = 1;
	memset(h, 0, sizeof(h));
	va_start(ap, path);
	for (const char *s; (s = va_arg(ap, const char *)); n++) {
		h[n].name = S(t, s);
		h[n].value = S(t, va_arg(ap, const char *));
	}
	va_end(ap);
	f->headers.count = n;
	f->headers.off = (uint32_t)((char *)batch_alloc(t->b, n ? n * (uint32_t)sizeof(h[0]) : 8) - (char *)t->b);
	memcpy((char *)t->b + f->headers.off, h, n * sizeof(h[0]));
	return f;
}

static inline struct rec_call *add_call(struct bench *t, const char *path, int64_t us, int grpc_status)
{
	struct rec_call *c = add_record(t, sizeof(*c), KIND_CALL);

	c->ctx.path = S(t, path);
	c->ctx.method = S(t, "POST");
	c->ctx.is_grpc = 1;
	c->start_ns = c->r.ts_ns;
	c->latency_ns = c->duration_ns = us * 1000;
	c->server_ns = c->call_queue_ns = c->timeout_ns = -1;
	c->stream_id = 1;
	c->status = 200;
	c->grpc_status = grpc_status;
	c->failed = grpc_status != 0;
	c->error_code = -1;
	c->client_pid = 42;
	c->server_pid = 43;
	c->complete = 1;
	c->req_messages = c->resp_messages = 1;
	return c;
}

static inline struct rec_conn *add_conn(struct bench *t, uint8_t op)
{
	struct rec_conn *c = add_record(t, sizeof(*c), KIND_CONN);

	c->op = op;
	c->seen_open = 1;
	c->client = (struct process){ .pid = 42, .uid = 1000, .comm = S(t, "curl") };
	c->server = (struct process){ .pid = 43, .uid = -1 };
	c->duration_ns = -1;
	return c;
}

#endif
