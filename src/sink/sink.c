/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/sink.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "sink/clock.h"
#include "sink/columns.h"
#include "sink/dump.h"
#include "sink/json.h"
#include "sink/line.h"
#include "util/log.h"
#include "util/xalloc.h"

#define FULL_LEN      65536 /* buffered bytes that are written without being asked: a pipe's size */
#define TABLE_COLUMNS "ts,conn_id,from,pid,comm,addr,kind,type,stream_id,length,method,path,status"

struct sink {
	int fd;
	int err; /* first failure of a write, -errno; from then on output is dropped */
	struct sink_options o;
	struct line_options line;
	struct columns *columns; /* NULL: the format's own way */
	struct buf out;
};

struct sink *sink_new(int fd, const struct sink_options *o, char **why)
{
	bool is_table = o->format == SINK_CSV || o->format == SINK_TSV;
	const char *names = o->columns ? o->columns : is_table ? TABLE_COLUMNS : NULL;
	struct columns *columns = NULL;
	struct sink *s;

	if (names) {
		columns = columns_new(names, o->columns && o->kinds ? o->kinds : UINT32_MAX, why);
		if (!columns)
			return NULL;
	}
	s = xcalloc(1, sizeof(*s));
	s->fd = fd;
	s->o = *o;
	s->line = (struct line_options){ .color = o->color, .width = o->width };
	s->columns = columns;
	if (is_table)
		columns_head(columns, o->format, &s->out);
	clock_init();
	signal(SIGPIPE, SIG_IGN); /* write() says EPIPE instead */
	return s;
}

void sink_free(struct sink *s)
{
	if (!s)
		return;
	columns_free(s->columns);
	buf_release(&s->out);
	free(s);
}

static void wait_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	poll(&p, 1, -1);
}

int sink_flush(struct sink *s)
{
	struct bytes rest = buf_bytes(&s->out), done;

	if (rest.len && s->o.escape) /* a terminal: what is printed there stays alone */
		log_status_end();
	while (rest.len && !s->err) {
		ssize_t n = write(s->fd, rest.p, rest.len);

		if (n >= 0)
			bytes_take(&rest, (size_t)n, &done);
		else if (errno == EAGAIN)
			wait_writable(s->fd);
		else if (errno != EINTR)
			s->err = -errno;
	}
	buf_clear(&s->out);
	return s->err;
}

bool sink_is_colored(const struct sink *s)
{
	return s->o.color;
}

int sink_error(const struct sink *s)
{
	return s->err;
}

static void flush_if_full(struct sink *s)
{
	if (s->out.len >= FULL_LEN)
		sink_flush(s);
}

static void dump(struct sink *s, const struct batch *b, const struct record *r)
{
	struct bytes payload;

	if (!s->o.hexdump && !s->o.ascii)
		return;
	payload = dump_payload(b, r);
	if (s->o.hexdump)
		dump_hex(&s->out, payload);
	if (s->o.ascii)
		dump_ascii(&s->out, payload);
}

void sink_record(struct sink *s, const struct batch *b, const struct record *r)
{
	if (s->err)
		return;
	if (s->columns) {
		columns_record(s->columns, s->o.format, s->o.escape, b, r, &s->out);
	} else if (s->o.format == SINK_JSON) {
		json_record(&s->out, b, r);
		buf_putc(&s->out, '\n');
	} else if (s->o.format == SINK_RAW) {
		buf_append(&s->out, dump_payload(b, r));
	} else {
		line_record(&s->out, &s->line, b, r);
	}
	if (s->o.format == SINK_TEXT)
		dump(s, b, r);
	flush_if_full(s);
}

void sink_write(struct sink *s, struct bytes text)
{
	if (!s->o.escape)
		return sink_raw(s, text);
	if (s->err)
		return;
	text_escape(&s->out, text, true);
	flush_if_full(s);
}

void sink_raw(struct sink *s, struct bytes text)
{
	if (s->err)
		return;
	buf_append(&s->out, text);
	flush_if_full(s);
}
