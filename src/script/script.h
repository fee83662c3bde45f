/* SPDX-License-Identifier: BSD-2-Clause */
/* Scripts: one LuaJIT state a script, records handed over a batch at a time.
 *
 * The only folder that includes lua.h. A script runs in an environment of allowed names; the
 * process around it is the sandbox. What a script does not hook is not decoded: see
 * scripts_want().
 */
#ifndef SPF_SCRIPT_SCRIPT_H
#define SPF_SCRIPT_SCRIPT_H

#include "decode/decoder.h"
#include "sink/sink.h"

/* A file beside a script. A list of them ends with name NULL. */
struct script_module {
	const char *name;
	struct bytes text;
};

/* One -s, -e or -f of the command line, its text already read. */
struct script_source {
	enum { SCRIPT_FILE, SCRIPT_EXPR, SCRIPT_FILTER } what; /* -s, -e, -f */
	const char *name;  /* for messages: grpc_top.lua, -e, -f */
	struct bytes text;
	const char *begin, *end; /* --begin, --end with -e; NULL none */
	const char *const *args; /* -a k=v, NULL-terminated; NULL none */
	uint32_t kinds;          /* -k: bit 1 << enum record_kind; kinds that -e and -f see */
	const struct script_module *modules; /* what require() finds besides the library; NULL none */
};

struct script_info {
	bool live;
	const char *file;           /* of -r, NULL live */
	const char *const *targets; /* NULL-terminated */
	int64_t start_ns;           /* epoch */
};

struct script_options {
	size_t memory_max;    /* bytes a script */
	int64_t timeout_ns;   /* CPU time a callback */
	int64_t interval_ns;  /* --interval, 0 = not given */
	bool no_jit;
	bool strict;          /* end at the first error of a callback */
	bool unsafe;          /* --unsafe: io, os, require of anything, ffi */
};

struct script_summary {
	uint64_t records, dropped, gaps;
	int64_t duration_ns;
	const char *reason; /* eof, count, time, signal, script, error */
};

struct scripts;

/* Compiles all sources, in order. On failure returns NULL and sets *why (one line that names
 * file, line and what is wrong; freed by the caller). Nothing of a script has run but its
 * top level. src, all that it points to, and out are borrowed: they outlive the scripts. */
struct scripts *scripts_new(const struct script_source *src, size_t src_cnt,
			    const struct script_options *o, struct sink *out, char **why);
void scripts_free(struct scripts *s);

/* --check: reads a script's header and code without running any of it: header whole, compiles,
 * every global and callback known. Returns 0, or -EINVAL and *why as scripts_new(). */
int scripts_check(const struct script_source *src, char **why);

/* Adds to *want what the scripts hook. */
void scripts_want(const struct scripts *s, struct want *want);

/* The one address that records must have for any script or printer to see them: -f says so before
 * all else, addr == "…". NULL if there is none. Valid as long as s. */
const char *scripts_addr(const struct scripts *s);

/* Runs on_start everywhere. Returns 0, or -EINVAL and *why as scripts_new(). */
int scripts_start(struct scripts *s, const struct script_info *info, char **why);

/* An empty batch for the decoders to fill, of at least need bytes; it belongs to the scripts
 * until scripts_run(). */
struct batch *scripts_batch(struct scripts *s, uint32_t need);

/* Hands the batch to all scripts in order; records that one hides (return false, -f) are
 * marked hidden. Errors of callbacks are reported and counted here. */
void scripts_run(struct scripts *s, struct batch *b);

/* Runs due on_interval callbacks, and on_key for keys that came (util/watch.h).
 * now_ns: monotonic (live) or record time (files).
 * Returns the time when the next one is due, or INT64_MAX. */
int64_t scripts_tick(struct scripts *s, int64_t now_ns, int64_t epoch_ns);

/* Runs on_end everywhere, and prints aggregates of -e. */
void scripts_end(struct scripts *s, const struct script_summary *sum);

/* True once a script called spf.exit(); *code is its exit status. */
bool scripts_want_exit(const struct scripts *s, int *code);

/* What to do when a script is stopped at a limit, before the program ends: fn(arg) is called
 * while a script runs, perhaps in a signal handler, so it may write what others than scripts
 * have buffered and nothing else. */
void scripts_at_stop(void (*fn)(void *arg), void *arg);

/* Errors of callbacks so far. */
uint64_t scripts_errors(const struct scripts *s);

#endif
