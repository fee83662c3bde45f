/* SPDX-License-Identifier: BSD-2-Clause */
/* Buffered output and the printers of records: text lines, JSON, CSV, TSV, raw bytes.
 *
 * One output per program, on a descriptor that was open before privileges ended. A reader
 * that went away (EPIPE) ends spf silently; on a terminal captured bytes are escaped.
 */
#ifndef SPF_SINK_SINK_H
#define SPF_SINK_SINK_H

#include "decode/fields.h"
#include "util/buf.h"

enum sink_format { SINK_TEXT, SINK_JSON, SINK_CSV, SINK_TSV, SINK_RAW };

struct sink_options {
	enum sink_format format;
	const char *columns; /* -F "ts,comm,method"; NULL = the format's default */
	uint32_t kinds;	     /* that are printed, a bit each; 0 any */
	bool hexdump;	     /* -x */
	bool ascii;	     /* -A */
	bool color;
	bool escape; /* the output is a terminal */
	int width;   /* columns of the terminal, 0 = unlimited */
};

struct sink;

/* fd is borrowed. On a bad -F returns NULL and sets *why (one line, freed by the caller) that
 * names the field that is unknown, or none of those kinds. */
struct sink *sink_new(int fd, const struct sink_options *o, char **why);
void sink_free(struct sink *s);

/* Prints one record. */
void sink_record(struct sink *s, const struct batch *b, const struct record *r);

/* Writes text of scripts: on a terminal C0 (but \n \t), DEL, C1, ESC and bidi controls are
 * escaped. */
void sink_write(struct sink *s, struct bytes text);

/* The same without escaping, for spf's own terminal sequences (spf.tty, -T raw). */
void sink_raw(struct sink *s, struct bytes text);

/* Gives what is buffered to the kernel. Returns 0, -EPIPE if the reader is gone, or -errno. */
int sink_flush(struct sink *s);

/* Whether colours are shown: --color, NO_COLOR and the terminal have been asked. */
bool sink_is_colored(const struct sink *s);

/* 0, or what writing failed with: -errno. */
int sink_error(const struct sink *s);

/* Appends in to out, with everything that could move a terminal escaped as \x1b, \u202e …;
 * newline and tab pass if lines is set. Invalid UTF-8 bytes become \xff. */
void text_escape(struct buf *out, struct bytes in, bool lines);

#endif
