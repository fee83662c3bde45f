/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/words.h"
#include "util/limits.h"
#include "util/xalloc.h"

#define STEP_NS 1000000		      /* between lines without t= */
#define EPOCH_NS 1000000000000000000 /* a time that nobody takes for a real one */

struct conn {
	uint64_t id;
	enum role role; /* of end 0 */
	uint64_t off[2];
};

struct trace {
	struct source s;
	struct input in;
	uint64_t line_no;
	uint64_t line_off;
	bool early;    /* what a connection without O is */
	bool has_next; /* next waits behind the OPEN that was just given */
	struct chunk next_chunk;
	bool has_first; /* first was read to know the times, and not given yet */
	struct chunk first;
	int first_rc;
	struct buf data;
	struct hash conns;
	struct strings kept;
	int64_t now_ns;
	char addr[512];
	char why[160];
};

bool trace_looks_like(struct bytes head)
{
	if (!head.len)
		return false;
	if (head.p[0] == '#' || head.p[0] == '\n')
		return true;
	return head.len > 1 && head.p[0] && strchr("OCSABF?>@", head.p[0]) && head.p[1] == ' ';
}

static int bad(struct trace *t, const char *what)
{
	snprintf(t->why, sizeof(t->why), "line %llu, offset %llu: %s",
		 (unsigned long long)t->line_no, (unsigned long long)t->line_off, what);
	t->s.why = t->why;
	return -EBADMSG;
}

/* Makes the next line visible, without its end: 1, 0 at the end, or -errno. */
static int next_line(struct trace *t, struct bytes *line)
{
	size_t want = 4096, seen = 0;

	for (;;) {
		int rc = input_need(&t->in, want);
		struct bytes b = input_bytes(&t->in);
		const uint8_t *end;

		if (rc < 0)
			return rc;
		end = b.len > seen ? memchr(b.p + seen, '\n', b.len - seen) : NULL;
		if (!end && rc == 0)
			end = b.p + b.len;
		if (end) {
			*line = bytes_of(b.p, (size_t)(end - b.p));
			t->line_off = t->in.off;
			t->line_no++;
			return b.len > 0;
		}
		seen = b.len;
		want = b.len * 2;
		if (want > 2 * LIMIT_TRACE_LINE)
			return bad(t, "the line is longer than spf reads");
	}
}

/* Passes the line; its bytes stay where they are until the next one is asked for. */
static void pass_line(struct trace *t, struct bytes line)
{
	size_t n = line.len;

	if (n < t->in.len)
		n++;
	input_skip(&t->in, n);
}

static struct conn *conn_of(struct trace *t, uint64_t id)
{
	return hash_get(&t->conns, id);
}

static struct conn *conn_new(struct trace *t, uint64_t id, enum role role)
{
	struct conn *c;

	if (t->conns.cnt == LIMIT_CONNECTIONS)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->id = id;
	c->role = role;
	hash_put(&t->conns, id, c);
	return c;
}

/* Which end a letter names: 0, 1, or -1. */
static int end_of(const struct conn *c, uint8_t letter)
{
	bool swapped = c->role == ROLE_SERVER;

	switch (letter) {
	case 'A':
		return 0;
	case 'B':
		return 1;
	case 'C':
		return swapped;
	case 'S':
		return !swapped;
	}
	return -1;
}

static uint64_t sock_of(const struct conn *c, int end)
{
	return 2 * c->id - 1 + (uint64_t)end;
}

/* Reads the words that follow; *conn is set by conn=. */
static int read_words(struct trace *t, struct bytes line, struct chunk *out, uint64_t *conn)
{
	struct bytes word;

	*conn = 1;
	while (words_next(&line, &word)) {
		int rc;

		if (word.p[0] == '#')
			break;
		if (bytes_has_prefix(word, BYTES_LIT("conn="))) {
			struct bytes id = bytes_of(word.p + 5, word.len - 5);

			if (!words_number(id, conn) || !*conn || *conn > UINT32_MAX)
				return bad(t, "conn= takes a number from 1");
			continue;
		}
		if (out->kind == CHUNK_LOST && (bytes_equal(word, BYTES_LIT("bytes")) ||
						bytes_equal(word, BYTES_LIT("missing"))))
			continue;
		rc = words_parse(out, word, &t->kept, t->addr);
		if (rc == 0)
			return bad(t, "there is a word that spf does not know");
		if (rc < 0)
			return bad(t, "there is a word with a value that is no good");
	}
	if (out->ts_ns)
		t->now_ns = out->ts_ns;
	else
		out->ts_ns = t->now_ns += STEP_NS;
	return 0;
}

static int read_hex(struct trace *t, struct bytes hex)
{
	uint8_t *p;

	buf_consume(&t->data, t->data.len);
	if (hex.len == 1 && hex.p[0] == '-')
		return 0;
	if (hex.len % 2)
		return bad(t, "hex with an odd number of digits");
	p = buf_reserve(&t->data, hex.len / 2 + 1);
	for (size_t i = 0; i < hex.len; i += 2) {
		int hi = words_hex_digit(hex.p[i]), lo = words_hex_digit(hex.p[i + 1]);

		if (hi < 0 || lo < 0)
			return bad(t, "there is something that is not hex");
		*p++ = (uint8_t)(hi << 4 | lo);
	}
	buf_added(&t->data, hex.len / 2);
	return 0;
}

static int read_open(struct trace *t, struct bytes line, struct chunk *out)
{
	struct conn *c;
	uint64_t id;
	int rc;

	*out = chunk_of(CHUNK_OPEN);
	out->role = ROLE_CLIENT;
	rc = read_words(t, line, out, &id);
	if (rc)
		return rc;
	c = conn_of(t, id);
	if (c && !out->learned)
		return bad(t, "this connection is open already");
	if (!c)
		c = conn_new(t, id, out->role);
	if (!c)
		return bad(t, "too many connections");
	out->sock = sock_of(c, 0);
	out->peer = sock_of(c, 1);
	return 1;
}

static int read_times(struct trace *t, struct bytes line)
{
	struct bytes word;

	while (words_next(&line, &word)) {
		int64_t *to = NULL;

		if (bytes_has_prefix(word, BYTES_LIT("epoch=")))
			to = &t->s.epoch_ns;
		if (bytes_has_prefix(word, BYTES_LIT("start=")))
			to = &t->s.start_ns;
		if (!to || !words_time(bytes_of(word.p + 6, word.len - 6), to))
			return bad(t, "@ takes epoch=SECONDS and start=SECONDS");
		if (to == &t->s.start_ns)
			t->now_ns = *to;
	}
	return 0;
}

/* The facts of a line about an end into *out: what stands between the letter and the words. */
static int read_subject(struct trace *t, uint8_t what, struct bytes *line, struct chunk *out)
{
	struct bytes word;
	int rc;

	if (what == 'F') {
		*out = chunk_of(CHUNK_CLOSE);
		return 0;
	}
	*out = chunk_of(what == '?' ? CHUNK_LOST : what == '>' ? CHUNK_SENT : CHUNK_DATA);
	if (!words_next(line, &word))
		return bad(t, "the line ends too early");
	if (out->kind != CHUNK_DATA)
		return words_number(word, &out->len) ? 0 : bad(t, "a number of bytes belongs here");
	rc = read_hex(t, word);
	out->data = buf_bytes(&t->data);
	out->len = out->data.len;
	return rc;
}

/* A line about an end. Gives the chunk, or first the OPEN of its connection. */
static int read_chunk(struct trace *t, uint8_t what, struct bytes line, struct chunk *out)
{
	uint8_t letter = what;
	bool is_new = false;
	struct bytes word;
	struct conn *c;
	uint64_t id;
	int rc, end;

	if (strchr("?>F", what)) {
		if (!words_next(&line, &word) || word.len != 1)
			return bad(t, "the letter of an end belongs here: C, S, A or B");
		letter = word.p[0];
	}
	rc = read_subject(t, what, &line, out);
	if (!rc)
		rc = read_words(t, line, out, &id);
	if (rc)
		return rc;
	c = conn_of(t, id);
	if (!c) {
		is_new = true;
		c = conn_new(t, id, letter == 'C' || letter == 'S' ? ROLE_CLIENT : ROLE_UNKNOWN);
	}
	end = c ? end_of(c, letter) : 0;
	if (!c || end < 0)
		return bad(t, c ? "no such end: C, S, A or B" : "too many connections");
	if (out->data.len > out->len)
		return bad(t, "len= is less than the bytes that follow");
	out->sock = sock_of(c, end);
	if (!out->off)
		out->off = c->off[end];
	if (out->kind == CHUNK_DATA || out->kind == CHUNK_LOST)
		c->off[end] = out->off + out->len;
	if (!is_new)
		return 1;
	t->next_chunk = *out;
	t->has_next = true;
	*out = chunk_of(CHUNK_OPEN);
	out->ts_ns = t->next_chunk.ts_ns;
	out->role = c->role;
	out->early = t->early;
	out->sock = sock_of(c, 0);
	out->peer = sock_of(c, 1);
	return 1;
}

/* The corpora say in their first line how a recording begins: kind=mid-stream and the like. */
static void read_comment(struct trace *t, struct bytes line)
{
	struct bytes word;

	if (t->line_no != 1)
		return;
	while (words_next(&line, &word))
		if (bytes_has_prefix(word, BYTES_LIT("kind=")))
			t->early = !bytes_equal(word, BYTES_LIT("kind=mid-stream")) &&
				   !bytes_equal(word, BYTES_LIT("kind=server-side-only"));
}

/* 1 with a chunk, 0 if the line has none, or -errno. */
static int read_line(struct trace *t, struct bytes line, struct chunk *out)
{
	struct bytes word;

	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	if (!words_next(&line, &word))
		return 0;
	if (word.p[0] == '#') {
		read_comment(t, line);
		return 0;
	}
	if (word.len != 1 || !strchr("OCSABF?>@", word.p[0]))
		return bad(t, "a line begins with one of # O C S A B ? > F @");
	if (word.p[0] == '@')
		return read_times(t, line);
	if (word.p[0] == 'O')
		return read_open(t, line, out);
	return read_chunk(t, word.p[0], line, out);
}

static int trace_next(struct source *s, struct chunk *out, int64_t *settled_ns)
{
	struct trace *t = (struct trace *)s;
	struct bytes line;
	int rc;

	if (t->has_first) {
		t->has_first = false;
		*out = t->first;
		return t->first_rc;
	}
	if (t->has_next) {
		t->has_next = false;
		*out = t->next_chunk;
		return 1;
	}
	for (;;) {
		rc = next_line(t, &line);
		if (rc == 0)
			return -ENODATA;
		if (rc == -EAGAIN) {
			*settled_ns = t->now_ns;
			return 0;
		}
		if (rc == -EBADMSG)
			return rc;
		if (rc < 0) {
			bad(t, "cannot read on");
			return rc;
		}
		rc = read_line(t, line, out);
		pass_line(t, line);
		if (rc)
			return rc;
	}
}

static void trace_wait(struct source *s, int timeout_ms)
{
	input_wait(&((struct trace *)s)->in, timeout_ms);
}

static void trace_free(struct source *s)
{
	struct trace *t = (struct trace *)s;
	struct conn *c;
	size_t at = 0;

	while ((c = hash_each(&t->conns, &at)))
		free(c);
	hash_release(&t->conns);
	strings_release(&t->kept);
	buf_release(&t->data);
	input_release(&t->in);
	free(t);
}

struct source *trace_new(struct input *in)
{
	static const struct source_ops ops = { trace_next, trace_wait, trace_free };
	struct trace *t = xcalloc(1, sizeof(*t));
	int64_t settled_ns;

	t->s = (struct source){ .ops = &ops, .epoch_ns = EPOCH_NS, .is_ordered = true };
	t->in = *in;
	t->s.file = &t->in;
	t->first_rc = trace_next(&t->s, &t->first, &settled_ns);
	t->has_first = true;
	return &t->s;
}
