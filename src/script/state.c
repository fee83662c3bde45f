/* SPDX-License-Identifier: BSD-2-Clause */
#include "script/state.h"

#include <errno.h>
#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/embedded.h"
#include "util/log.h"
#include "util/xalloc.h"

enum {
	/* Per cent. Batches are garbage of 64 KiB each, and what a cycle costs goes by what lives: at
	 * 400 a script that makes strings takes 15 to 20 % longer, at 200 another 10. A heap that
	 * has grown is watched by compact.lua. */
	GC_PAUSE = 1000,
};

static struct {
	void (*fn)(void *arg);
	void *arg;
} at_stop;

void scripts_at_stop(void (*fn)(void *arg), void *arg)
{
	at_stop.arg = arg;
	at_stop.fn = fn;
}

const char *state_phase(const struct state *st)
{
	static const char *const hooks[KIND_COUNT] = { "on_chunk", "on_conn", "on_frame", "on_message",
						       "on_http",  "on_call", "on_gap" };
	const struct batch *b = st->b;

	if (st->phase)
		return st->phase;
	if (!b || st->ctl.at < 0 || (uint32_t)st->ctl.at >= b->count)
		return "a callback";
	return hooks[batch_at(b, (uint32_t)st->ctl.at)->kind % KIND_COUNT];
}

/* Says which limit ended the script. What it printed before counts, so that goes out. */
static void stop_at_limit(void *arg, const char *what)
{
	const struct state *st = arg;
	char line[512];
	int n = snprintf(line, sizeof(line) - 1, "spf: script %s: %s %s; stopped", st->name,
			 state_phase(st), what);

	sink_flush(st->out);
	n = n < (int)sizeof(line) - 2 ? n : (int)sizeof(line) - 2;
	for (int i = 0; i < n; i++)
		if (line[i] < ' ' || line[i] > '~') /* load() names chunks as a script likes */
			line[i] = '?';
	line[n++] = '\n';
	if (at_stop.fn)
		at_stop.fn(at_stop.arg);
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		limit_exit(); /* nobody is left to be told */
}

static void name_at_limit(void *arg, char *buf, size_t len)
{
	const struct state *st = arg;

	snprintf(buf, len, "script %s: %s", st->name, state_phase(st));
}

/* LuaJIT's own allocator with a count. Past the cap the program ends here: a NULL inside of
 * compiled code is a segmentation fault on Debian's LuaJIT (luajit.md §3.2). A shrink never
 * fails. */
static void *capped_alloc(void *ud, void *ptr, size_t old_len, size_t new_len)
{
	struct state *st = ud;
	size_t used = st->used - (ptr ? old_len : 0) + new_len;
	char what[64];

	if (used > st->max && used > st->used) {
		snprintf(what, sizeof(what), "needs more than %zu MiB of memory", st->max >> 20);
		stop_at_limit(st, what);
		limit_exit();
	}
	ptr = st->alloc(st->alloc_ud, ptr, old_len, new_len);
	if (ptr || !new_len)
		st->used = used;
	return ptr;
}

static const struct embedded *embedded_find(const char *name)
{
	for (const struct embedded *e = embedded; e->name; e++) {
		if (strcmp(e->name, name) == 0)
			return e;
	}
	return NULL;
}

/* Traceback only for errors of spf's own code: a script's load errors are one line. */
static int load_error(lua_State *L)
{
	const char *s = lua_tostring(L, 1);

	if (s && strstr(s, "[spf]"))
		luaL_traceback(L, L, s, 1);
	return 1;
}

/* Runs src/script/driver.lua, which loads the script: the state's functions are then on the
 * stack as one table. */
static int run_driver(struct state *st)
{
	lua_State *L = st->L;
	const struct embedded *e = embedded_find("src/script/driver.lua");
	int handler, rc;

	lua_pushcfunction(L, load_error);
	handler = lua_gettop(L);
	if (luaL_loadbufferx(L, e->begin, (size_t)(e->end - e->begin), "=[spf] driver", "t"))
		return -EINVAL;
	sys_push(st);
	st->phase = "the top level";
	limit_begin(&st->limit);
	rc = lua_pcall(L, 1, 1, handler);
	limit_end();
	if (rc)
		return -EINVAL;
	lua_remove(L, handler);
	return 0;
}

static int take_function(lua_State *L, const char *name)
{
	lua_getfield(L, -1, name);
	return luaL_ref(L, LUA_REGISTRYINDEX);
}

static uint32_t take_bits(lua_State *L, const char *name)
{
	uint32_t n;

	lua_getfield(L, -1, name);
	n = (uint32_t)lua_tointeger(L, -1);
	lua_pop(L, 1);
	return n;
}

static bool take_bool(lua_State *L, const char *name)
{
	bool b;

	lua_getfield(L, -1, name);
	b = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return b;
}

static void take_api(struct state *st)
{
	lua_State *L = st->L;

	st->run = take_function(L, "run");
	st->start = take_function(L, "start");
	st->interval = take_function(L, "interval");
	st->key = take_function(L, "key");
	st->finish = take_function(L, "finish");
	st->hooks = take_bits(L, "hooks");
	st->filters = take_bits(L, "filters");
	st->tracks_conns = take_bool(L, "tracks_conns");
	st->data = take_bool(L, "data");
	st->headers = take_bool(L, "headers");
	st->ticks = take_bool(L, "ticks");
	st->keys = take_bool(L, "keys");
	lua_getfield(L, -1, "addr");
	if (lua_isstring(L, -1))
		st->addr = xstrdup(lua_tostring(L, -1));
	lua_pop(L, 1);
	lua_pop(L, 1);
}

/* Nothing that a script could reach through a hole of the environment stays loaded. */
static void forget_libraries(lua_State *L)
{
	static const char *const tables[] = { "_LOADED", "_PRELOAD" };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		lua_newtable(L);
		lua_setfield(L, LUA_REGISTRYINDEX, tables[i]);
	}
}

/* Only scripts have headers; a script without one takes no arguments. */
static int read_header(struct state *st, char **why)
{
	if (st->src->what != SCRIPT_FILE)
		return 0;
	if (header_parse(st->src->text, st->name, &st->header, why))
		return -EINVAL;
	if (!st->check_only && header_check_args(&st->header, st->name, st->src->args, why))
		return -EINVAL;
	if (st->opt->interval_ns <= 0 && st->header.interval_ns > 0)
		st->interval_ns = st->header.interval_ns;
	return 0;
}

int state_init(struct state *st, const struct script_source *src, const struct script_options *o,
	       struct sink *out, char **why)
{
	st->source = *src;
	st->src = &st->source;
	st->opt = o;
	st->out = out;
	st->name = xstrdup(src->name ? src->name : "-e");
	st->max = o->memory_max ? o->memory_max : SIZE_MAX;
	st->interval_ns = o->interval_ns > 0 ? o->interval_ns : 1000000000;
	st->ctl.at = -1;
	st->b_ref = LUA_NOREF;
	if (read_header(st, why)) {
		state_release(st);
		return -EINVAL;
	}
	st->L = luaL_newstate();
	if (!st->L)
		die(EXIT_RUN, "cannot create a Lua state");
	st->alloc = lua_getallocf(st->L, &st->alloc_ud);
	st->used = (size_t)lua_gc(st->L, LUA_GCCOUNT, 0) * 1024 +
		   (size_t)lua_gc(st->L, LUA_GCCOUNTB, 0);
	lua_setallocf(st->L, capped_alloc, st);
	luaL_openlibs(st->L);
	st->limit = (struct limit){ st->L, &st->ctl.at, stop_at_limit, name_at_limit, st };
	limit_watch(st->L);
	if (run_driver(st)) {
		const char *s = lua_tostring(st->L, -1);

		*why = xstrdup(s ? s : "error object");
		state_release(st);
		return -EINVAL;
	}
	if (!st->check_only)
		take_api(st);
	if (!o->unsafe)
		forget_libraries(st->L);
	lua_gc(st->L, LUA_GCSETPAUSE, GC_PAUSE);
	return 0;
}

void state_release(struct state *st)
{
	st->max = SIZE_MAX; /* closing ends no script */
	if (st->L) {
		limit_unwatch(st->L);
		lua_close(st->L);
	}
	header_release(&st->header);
	free(st->name);
	free(st->addr);
	memset(st, 0, sizeof(*st));
}

void state_new_batch(struct state *st, uint32_t cap)
{
	luaL_unref(st->L, LUA_REGISTRYINDEX, st->b_ref);
	st->b = lua_newuserdata(st->L, cap);
	batch_init(st->b, cap);
	st->b_ref = luaL_ref(st->L, LUA_REGISTRYINDEX);
	st->copied = st->b->used;
}

int state_call(struct state *st, int ref, int args, const char *phase)
{
	int rc;

	lua_rawgeti(st->L, LUA_REGISTRYINDEX, ref);
	lua_insert(st->L, -1 - args);
	st->phase = phase;
	limit_begin(&st->limit);
	rc = lua_pcall(st->L, args, 0, 0);
	limit_end();
	return rc ? -EINVAL : 0;
}
