/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line. Monitor and worker parse the same one: nothing else needs to be handed
 * from the one to the other but open descriptors. */
#ifndef SPF_OPTIONS_H
#define SPF_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "sink/sink.h"

enum { OPTIONS_SCRIPTS = 16, OPTIONS_ARGS = 64, OPTIONS_FILES = 8 };

/* What is printed without -k. */
enum { KINDS_PRINTED = 1u << KIND_FRAME | 1u << KIND_HTTP | 1u << KIND_GAP };

/* One -s, -e or -f, in the order of the command line. */
struct options_script {
	char what;         /* 's', 'e' or 'f' */
	const char *text;  /* name or file of -s; code of -e; expression of -f */
	const char *args[OPTIONS_ARGS + 1]; /* -a of this -s, NULL-terminated */
	size_t arg_cnt;
};

struct options {
	struct options_script script[OPTIONS_SCRIPTS];
	size_t script_cnt;
	const char *begin, *end; /* --begin, --end */
	char **targets;          /* NULL-terminated, part of argv */
	const char *read_file;   /* -r */
	const char *write_file;  /* -w */
	uint64_t file_cnt;       /* -W, 1 without it */
	uint64_t file_size;      /* -C, 0 = no bound */
	int64_t file_time_ns;    /* -G, 0 = no bound */
	const char *out_file;    /* -o */
	const char *columns;     /* -F */
	const char *user;        /* --user */
	bool early;              /* --early */
	const char *backend;     /* --backend, NULL = the best that works */
	const char *script_dir;  /* --script-dir */
	uint32_t kinds;          /* -k: bit 1 << enum record_kind; 0 = not given */
	enum sink_format format;
	uint64_t count;          /* -c, 0 = no end */
	int64_t duration_ns;     /* -t, 0 = no end */
	int64_t interval_ns;     /* --interval, 0 = not given */
	int64_t window_ns;       /* --window */
	int64_t timeout_ns;      /* --script-timeout */
	size_t memory_max;       /* --script-memory */
	size_t ring_size;        /* --ring-size */
	uint32_t snaplen;        /* --snaplen, 0 = everything */
	struct spf_who who;      /* -p, --follow, --comm, --uid, --cgroup */
	bool hexdump, ascii, quiet, verbose, no_jit, strict, unsafe, watch;
	enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } color;
	enum { ACTION_RUN, ACTION_HELP, ACTION_VERSION, ACTION_LIST, ACTION_INFO, ACTION_CHECK,
	       ACTION_TEST, ACTION_DOCTOR } action;
	const char *action_arg;
};

/* Parses argv (getopt permutes it). Returns 0, or -EINVAL with *why set to one line that says
 * what is wrong and what to do; freed by the caller. */
int options_parse(struct options *o, int argc, char **argv, char **why);

/* The text of --help. */
extern const char options_help[];

#endif
