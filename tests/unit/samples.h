/* SPDX-License-Identifier: BSD-2-Clause */
/* Records for the tests of printers. */
#ifndef SPF_TESTS_SAMPLES_H
#define SPF_TESTS_SAMPLES_H

#include "decode/record.h"

static inline struct str sample_str(struct batch *b, const char *text)
{
	return batch_str(b, bytes_str(text));
}

static inline struct record sample_head(struct batch *b, enum record_kind kind)
{
	return (struct record){
		.seq = 7, .ts_ns = 1700000000123456789, .elapsed_ns = 42, .queue_ns = 1500,
		.conn_id = 3, .pid = 812, .kind = (uint8_t)kind, .from = ROLE_CLIENT,
		.transport = TRANSPORT_UNIX, .proto = PROTO_H2, .exact = 1,
		.comm = sample_str(b, "curl"), .addr = sample_str(b, "/run/app.sock"),
	};
}

static inline struct rec_frame *sample_frame(struct batch *b, uint8_t type)
{
	struct record head = sample_head(b, KIND_FRAME);
	struct rec_frame *f = batch_record(b, sizeof(*f), &head);

	f->type = type;
	f->stream_id = 1;
	f->trailers = TRI_ABSENT;
	f->exclusive = TRI_ABSENT;
	f->complete = 1;
	f->status = f->missing = f->header_bytes = f->continuations = -1;
	f->window = f->conn_window = f->stalled_ns = -1;
	f->weight = f->pad_length = -1;
	f->stream_dependency = -1;
	return f;
}

/* pairs: "name", "value", …, NULL */
static inline struct list sample_headers(struct batch *b, const char *const *pairs)
{
	struct list l = { 0, 0 };
	struct header *h;

	while (pairs[l.count * 2])
		l.count++;
	h = batch_alloc(b, l.count * (uint32_t)sizeof(*h));
	l.off = (uint32_t)((char *)h - (char *)b);
	for (uint32_t i = 0; i < l.count; i++) {
		h[i].name = sample_str(b, pairs[i * 2]);
		h[i].value = sample_str(b, pairs[i * 2 + 1]);
	}
	return l;
}

#define SAMPLE_HEADERS(b, ...) sample_headers(b, (const char *const[]){ __VA_ARGS__, NULL })

static inline struct rec_frame *sample_request(struct batch *b)
{
	struct rec_frame *f = sample_frame(b, 0x1);

	f->flags = 0x5;
	f->trailers = TRI_FALSE;
	f->missing = f->continuations = 0;
	f->ctx.method = sample_str(b, "POST");
	f->ctx.path = sample_str(b, "/demo.Shop/Get");
	f->ctx.authority = sample_str(b, "localhost");
	f->ctx.is_grpc = 1;
	f->headers = SAMPLE_HEADERS(b, ":method", "POST", ":path", "/demo.Shop/Get",
				    "content-type", "application/grpc", "x-a", "1", "x-b", "2");
	return f;
}

static inline struct rec_call *sample_call(struct batch *b)
{
	struct record head = sample_head(b, KIND_CALL);
	struct rec_call *c = batch_record(b, sizeof(*c), &head);

	c->ctx.method = sample_str(b, "POST");
	c->ctx.path = sample_str(b, "/demo.Shop/Get");
	c->ctx.is_grpc = 1;
	c->start_ns = head.ts_ns;
	c->latency_ns = 1234500;
	c->server_ns = c->call_queue_ns = c->duration_ns = c->timeout_ns = -1;
	c->stream_id = 5;
	c->status = 200;
	c->grpc_status = 5;
	c->error_code = -1;
	c->failed = 1;
	c->complete = 1;
	c->client_pid = 812;
	c->server_pid = -1;
	c->resp_headers = SAMPLE_HEADERS(b, ":status", "200");
	c->resp_trailers = SAMPLE_HEADERS(b, "grpc-status", "5");
	return c;
}

#endif
