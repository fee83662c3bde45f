/* SPDX-License-Identifier: BSD-2-Clause */
/* One script's Lua state: memory cap, trusted chunks, the C functions that they get (sys).
 * Internal to src/script. */
#ifndef SPF_SCRIPT_STATE_H
#define SPF_SCRIPT_STATE_H

#include <lua.h>

#include "script/header.h"
#include "script/limit.h"
#include "script/script.h"

/* Shared with driver.lua by FFI: keep both alike. */
struct script_ctl {
	int32_t at;   /* index in the batch of the record that a callback runs on */
	int32_t exit; /* spf.exit() was called, */
	int32_t code; /* with this status */
	int32_t records;
	uint64_t errors; /* of callbacks */
};

struct state {
	lua_State *L;
	lua_Alloc alloc; /* LuaJIT's own, under the cap */
	void *alloc_ud;
	size_t used, max;
	char *name; /* for messages: grpc_top.lua, -e */
	struct script_source source; /* a copy; what it points to is borrowed */
	const struct script_source *src; /* it */
	const struct script_options *opt;
	struct script_header header;
	struct sink *out; /* borrowed */
	struct script_ctl ctl;

	uint32_t hooks;   /* bit 1 << kind: records that the script is given */
	uint32_t filters; /* kinds that it filters without asking for them */
	uint32_t kinds;   /* of -e and -f */
	char *addr;       /* -f: no record of another address passes; NULL any */
	bool check_only;  /* compile, run nothing */
	bool data, headers, tracks_conns, ticks, keys;
	int64_t interval_ns, due_ns;
	uint32_t tick_cnt;
	int64_t cpu_ns; /* spent in it */
	uint32_t batch_cnt; /* that it was given */
	int run, start, interval, key, finish; /* registry references of driver.lua's functions */

	struct batch *b;  /* the batch in this state, a userdata */
	int b_ref;
	uint32_t copied;  /* b holds the first state's batch up to here */

	/* for the watchdog and the memory cap: what runs now */
	const char *volatile phase; /* "on_start", NULL: the callback of record ctl.at */
	struct limit limit;
};

/* Creates the state and compiles src in it; its top level runs unless st->check_only was set (st
 * is zeroed but for that and kinds). Returns 0, or -EINVAL with *why
 * set (freed by the caller) and nothing kept. */
int state_init(struct state *st, const struct script_source *src, const struct script_options *o,
	       struct sink *out, char **why);
void state_release(struct state *st);

/* Replaces the state's batch by an empty one of cap bytes. */
void state_new_batch(struct state *st, uint32_t cap);

/* Runs function ref with args values from the stack's top. Returns 0, or -EINVAL with the error
 * message left on the stack. phase: see above. */
int state_call(struct state *st, int ref, int args, const char *phase);

/* The name of what runs now: on_call, on_start, the top level. */
const char *state_phase(const struct state *st);

/* Pushes the table of C functions and facts that driver.lua gets (sys.c). */
void sys_push(struct state *st);

#endif
