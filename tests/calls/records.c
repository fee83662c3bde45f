/* SPDX-License-Identifier: BSD-2-Clause */
/* Decodes a connection that is given as text and prints its records as JSON lines: what the
 * corpora tests compare with their expectations. Neither capture nor pipeline stand between.
 *
 *     C 474554…        bytes of the client        ? S 12 …   12 bytes of the server are missing
 *     S 485454…        bytes of the server        ! reset    forget the connection, begin another
 *
 * usage: records [-l] [-k call,message,…] [-s SPLIT] < TEXT     -l: the beginning was not seen;
 * -s: feed pieces of at most SPLIT bytes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decode/decoder.h"
#include "sink/sink.h"

struct run {
	struct want want;
	struct conn_info info;
	struct decoder *d;
	struct batch *b;
	struct sink *sink;
	struct stamp st;
	uint64_t seq;
	uint64_t fed;
	size_t split;
	bool late;
};

static void die(const char *what)
{
	fprintf(stderr, "records: %s\n", what);
	exit(2);
}

static void flush(struct run *r)
{
	for (uint32_t i = 0; i < r->b->count; i++) {
		struct record *rec = batch_at(r->b, i);

		rec->seq = ++r->seq;
		sink_record(r->sink, r->b, rec);
	}
	batch_init(r->b, r->b->cap);
}

static void drain(struct run *r)
{
	int rc;

	while ((rc = decoder_next(r->d, r->b)) != 0) {
		if (rc > 0)
			continue;
		flush(r);
		if (decoder_need(r->d) > r->b->cap) {
			uint32_t cap = decoder_need(r->d);

			free(r->b);
			r->b = malloc(cap);
			batch_init(r->b, cap);
		}
	}
}

static void open_conn(struct run *r)
{
	uint32_t id = r->info.id + 1;

	r->info = (struct conn_info){ .id = id, .addr = "test", .seen_open = !r->late };
	r->info.end[0].pid = r->info.end[1].pid = -1;
	r->d = decoder_new(&r->want, &r->info);
	r->fed = 0;
	decoder_open(r->d, &r->st);
	drain(r);
}

static void close_conn(struct run *r)
{
	uint64_t sum = 0;

	decoder_close(r->d, OUTCOME_CLOSED, "end of input", &r->st);
	drain(r);
	flush(r);
	for (int i = 0; i < 2; i++)
		sum += decoder_bytes(r->d, i).decoded + decoder_bytes(r->d, i).skipped;
	if (sum != r->fed) {
		fprintf(stderr, "records: %llu bytes fed, %llu accounted for\n",
			(unsigned long long)r->fed, (unsigned long long)sum);
		exit(3);
	}
	decoder_free(r->d);
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void feed(struct run *r, int dir, char *hex)
{
	uint8_t *mem = (uint8_t *)hex;
	size_t len = 0;
	struct bytes in, piece;

	for (; digit(hex[0]) >= 0 && digit(hex[1]) >= 0; hex += 2)
		mem[len++] = (uint8_t)(digit(hex[0]) << 4 | digit(hex[1]));
	in = bytes_of(mem, len);
	r->info.bytes[dir] += len;
	r->fed += len;
	while (in.len) {
		bytes_take(&in, in.len < r->split ? in.len : r->split, &piece);
		decoder_feed(r->d, dir, piece, &r->st);
		drain(r);
	}
	r->st.ts_ns += 1000000;
	r->st.elapsed_ns += 1000000;
}

static void line(struct run *r, char *text)
{
	if (text[0] == 'C' || text[0] == 'S') {
		feed(r, text[0] == 'S', text + 2);
	} else if (text[0] == '?') {
		decoder_gap(r->d, text[2] == 'S', strtoull(text + 4, NULL, 10), GAP_RINGBUF_DROP,
			    &r->st);
		drain(r);
	} else if (text[0] == '!') {
		close_conn(r);
		open_conn(r);
	}
}

int main(int argc, char **argv)
{
	struct sink_options o = { .format = SINK_JSON };
	struct run r = { .split = SIZE_MAX };
	const char *kinds = "message,http,call,gap";
	char *text = NULL, *why = NULL;
	size_t cap = 0;
	int c;

	while ((c = getopt(argc, argv, "lk:s:")) != -1) {
		if (c == 'l')
			r.late = true;
		else if (c == 'k')
			kinds = optarg;
		else if (c == 's')
			r.split = strtoull(optarg, NULL, 10);
		else
			die("usage: records [-l] [-k KINDS] [-s SPLIT]");
	}
	for (uint32_t k = 0; k < KIND_COUNT; k++)
		r.want.kind[k] = strstr(kinds, kind_name(k)) != NULL;
	r.want.data = r.want.headers = true;
	r.st = (struct stamp){ .ts_ns = 1700000000000000000, .read_ns = -1, .pid = -1,
			       .reader_pid = -1 };
	r.b = batch_new();
	r.sink = sink_new(1, &o, &why);
	if (!r.sink)
		die(why);
	open_conn(&r);
	while (getline(&text, &cap, stdin) > 0)
		line(&r, text);
	close_conn(&r);
	free(text);
	free(r.b);
	sink_flush(r.sink);
	sink_free(r.sink);
	return 0;
}
