/* SPDX-License-Identifier: BSD-2-Clause */
/* The C functions behind driver.lua: names, output, time, module texts, header lookup. Scripts
 * never hold these: they get Lua functions that call them. */
#include "script/state.h"

#include <ctype.h>
#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "decode/hints.h"
#include "decode/names.h"
#include "util/embedded.h"
#include "util/log.h"
#include "util/near.h"

static struct state *state_of(lua_State *L)
{
	return lua_touserdata(L, lua_upvalueindex(1));
}

static struct bytes check_bytes(lua_State *L, int i)
{
	size_t len;
	const char *p = luaL_checklstring(L, i, &len);

	return bytes_of(p, len);
}

static void push_bytes(lua_State *L, struct bytes b)
{
	lua_pushlstring(L, (const char *)b.p, b.len);
}

static void set_bytes(lua_State *L, const char *key, struct bytes b)
{
	push_bytes(L, b);
	lua_setfield(L, -2, key);
}

static void set_string(lua_State *L, const char *key, const char *s)
{
	lua_pushstring(L, s);
	lua_setfield(L, -2, key);
}

static void set_integer(lua_State *L, const char *key, int64_t n)
{
	lua_pushnumber(L, (lua_Number)n);
	lua_setfield(L, -2, key);
}

static void set_bool(lua_State *L, const char *key, bool b)
{
	lua_pushboolean(L, b);
	lua_setfield(L, -2, key);
}

static void set_pointer(lua_State *L, const char *key, void *p)
{
	lua_pushlightuserdata(L, p);
	lua_setfield(L, -2, key);
}

/* names(table, number) -> name or nil */
static int sys_names(lua_State *L)
{
	static const struct {
		const char *name;
		uint32_t count; /* 0: of an open numbering */
		const char *(*of)(uint32_t n);
	} tables[] = {
		{ "kind", KIND_COUNT, kind_name },
		{ "role", ROLE_SERVER + 1, role_name },
		{ "transport", TRANSPORT_TCP + 1, transport_name },
		{ "proto", PROTO_HTTP1 + 1, proto_name },
		{ "http_what", HTTP_BODY + 1, http_what_name },
		{ "outcome", OUTCOME_COUNT, outcome_name },
		{ "conn_op", CONN_CLOSE + 1, conn_op_name },
		{ "gap_cause", GAP_COUNT, gap_cause_name },
		{ "frame_type", 0, names_frame_type },
		{ "error", 0, names_error },
		{ "setting", 0, names_setting },
		{ "grpc_status", 0, names_grpc_status },
		{ "http_status", 0, names_http_status },
	};
	const char *what = luaL_checkstring(L, 1);
	double n = luaL_checknumber(L, 2);

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (strcmp(tables[i].name, what))
			continue;
		if (n < 0 || n > UINT32_MAX || (tables[i].count && n >= tables[i].count))
			return 0;
		lua_pushstring(L, tables[i].of((uint32_t)n));
		return 1;
	}
	return luaL_error(L, "no table of names '%s'", what);
}

/* set_hint(symbol, name, value): false if there are too many. */
static int sys_set_hint(lua_State *L)
{
	lua_pushboolean(L, hints_set(check_bytes(L, 1), check_bytes(L, 2), check_bytes(L, 3)));
	return 1;
}

static int sys_near(lua_State *L)
{
	struct near best = { NULL, 0 };
	const char *typed = luaL_checkstring(L, 1);
	size_t n = lua_objlen(L, 2);

	for (size_t i = 1; i <= n; i++) {
		lua_rawgeti(L, 2, (int)i);
		near_offer(&best, typed, lua_tostring(L, -1)); /* the table keeps the string alive */
		lua_pop(L, 1);
	}
	lua_pushstring(L, best.name);
	return 1;
}

static int sys_write(lua_State *L)
{
	sink_write(state_of(L)->out, check_bytes(L, 1));
	return 0;
}

static int sys_raw(lua_State *L)
{
	sink_raw(state_of(L)->out, check_bytes(L, 1));
	return 0;
}

/* emit(batch, offset): prints the record as spf itself would */
static int sys_emit(lua_State *L)
{
	const struct batch *b = lua_touserdata(L, 1);
	uint32_t off = (uint32_t)luaL_checknumber(L, 2);

	sink_record(state_of(L)->out, b, (const struct record *)((const char *)b + off));
	return 0;
}

static int sys_warn(lua_State *L)
{
	log_warn("%s", luaL_checkstring(L, 1));
	return 0;
}

static int sys_info(lua_State *L)
{
	log_info("%s", luaL_checkstring(L, 1));
	return 0;
}

static int sys_debug(lua_State *L)
{
	log_debug("%s", luaL_checkstring(L, 1));
	return 0;
}

static int sys_now(lua_State *L)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	lua_pushnumber(L, (lua_Number)ts.tv_sec + (lua_Number)ts.tv_nsec / 1e9);
	return 1;
}

static int sys_stats(lua_State *L)
{
	const struct state *st = state_of(L);

	lua_newtable(L);
	set_integer(L, "errors", (int64_t)st->ctl.errors);
	set_integer(L, "memory", (int64_t)st->used);
	set_integer(L, "memory_max", (int64_t)st->max);
	return 1;
}

static int sys_set_interval(lua_State *L)
{
	struct state *st = state_of(L);

	st->interval_ns = (int64_t)luaL_checknumber(L, 1);
	st->due_ns = 0;
	return 0;
}

/* Where a screen can be drawn. */
static int sys_tty_is(lua_State *L)
{
	const char *term = getenv("TERM");

	lua_pushboolean(L, isatty(STDOUT_FILENO) && !(term && !strcmp(term, "dumb")));
	return 1;
}

static int sys_tty_size(lua_State *L)
{
	struct winsize w = { .ws_col = 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || !w.ws_col) {
		w.ws_col = 80;
		w.ws_row = 24;
	}
	lua_pushinteger(L, w.ws_col);
	lua_pushinteger(L, w.ws_row);
	return 2;
}

static int sys_tty_color(lua_State *L)
{
	const struct sink *out = state_of(L)->out;

	lua_pushboolean(L, out && sink_is_colored(out));
	return 1;
}

/* load_text(text, name) -> function, or nil and why; never bytecode */
static int sys_load_text(lua_State *L)
{
	struct bytes text = check_bytes(L, 1);

	if (luaL_loadbufferx(L, (const char *)text.p, text.len, luaL_checkstring(L, 2), "t") == 0)
		return 1;
	lua_pushnil(L);
	lua_insert(L, -2);
	return 2;
}

static const struct embedded *find_text(const char *name)
{
	for (const struct embedded *e = embedded; e->name; e++) {
		if (strcmp(e->name, name) == 0)
			return e;
	}
	return NULL;
}

/* trusted(name, …) runs src/script/NAME.lua with the arguments that follow. */
static int sys_trusted(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	const struct embedded *e = find_text(lua_pushfstring(L, "src/script/%s.lua", name));
	int args = lua_gettop(L) - 2;

	if (!e)
		return luaL_error(L, "no trusted chunk '%s'", name);
	lua_pop(L, 1);
	if (luaL_loadbufferx(L, e->begin, (size_t)(e->end - e->begin),
			     lua_pushfstring(L, "=[spf] %s", name), "t"))
		return lua_error(L);
	lua_remove(L, -2);
	lua_insert(L, 2);
	lua_call(L, args, LUA_MULTRET);
	return lua_gettop(L) - 1;
}

/* Text of a module beside the script, read before the sandbox closed. */
static const struct script_module *given_module(const struct state *st, const char *name)
{
	const struct script_module *m = st->src->modules;

	for (; m && m->name; m++) {
		if (strcmp(m->name, name) == 0)
			return m;
	}
	return NULL;
}

/* module(name) -> text, chunk name, is spf's own; or nil. Only letters, digits, _ and dots. */
static int sys_module(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	const struct script_module *m = given_module(state_of(L), name);
	const struct embedded *e;

	for (const char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && *p != '_' && *p != '.')
			return 0;
	}
	e = find_text(lua_pushfstring(L, "lua/%s.lua", luaL_gsub(L, name, ".", "/")));
	if (!e && !m)
		return 0;
	push_bytes(L, e ? bytes_of(e->begin, (size_t)(e->end - e->begin)) : m->text);
	lua_pushfstring(L, e ? "@lua/%s" : "@%s.lua", e ? e->name + 4 : name);
	lua_pushboolean(L, e != NULL);
	return 3;
}

/* module_names() -> set of what require() finds */
static int sys_module_names(lua_State *L)
{
	const struct script_module *m = state_of(L)->src->modules;

	lua_newtable(L);
	for (const struct embedded *e = embedded; e->name; e++) {
		if (strncmp(e->name, "lua/spf/", 8))
			continue;
		lua_pushstring(L, "spf.");
		lua_pushlstring(L, e->name + 8, strlen(e->name + 8) - 4);
		lua_concat(L, 2);
		lua_pushboolean(L, true);
		lua_settable(L, -3);
	}
	for (; m && m->name; m++)
		set_bool(L, m->name, true);
	return 1;
}

/* Called by compiled code: the first header of that name, case ignored, or NULL. */
static const struct header *find_header(const uint8_t *base, const struct header *h, uint32_t n,
					const char *name, uint32_t len)
{
	for (uint32_t i = 0; i < n; i++) {
		if (h[i].name.len == len &&
		    strncasecmp((const char *)base + h[i].name.off, name, len) == 0)
			return &h[i];
	}
	return NULL;
}

/* Bytes of "/pkg.Service/Method" before its last slash. */
static uint32_t service_len(const uint8_t *p, uint32_t len)
{
	while (len && p[len - 1] != '/')
		len--;
	return len ? len - 1 : 0;
}

/* LuaJIT ends the program if it may not make memory executable: try what it does. */
static bool jit_allowed(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool ok;

	if (p == MAP_FAILED)
		return false;
	ok = mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
	munmap(p, 4096);
	return ok;
}

static bool use_jit(const struct state *st)
{
	static bool said;

	if (st->opt->no_jit)
		return false;
	if (jit_allowed())
		return true;
	if (!said)
		log_info("the kernel forbids code generation: scripts run interpreted, 4 to 10 times slower");
	said = true;
	return false;
}

/* One row of the table of fields; types: set of the frame types that have it. */
static void push_field(lua_State *L, const struct field *f)
{
	struct rec_frame r = { .r.kind = KIND_FRAME };

	lua_newtable(L);
	set_string(L, "name", f->name);
	set_string(L, "type", f->type_name);
	set_string(L, "member", f->member);
	set_string(L, "strukt", f->strukt);
	set_integer(L, "kinds", f->kinds);
	if (!f->frame_types)
		return;
	lua_newtable(L);
	for (int type = 0; type < 256; type++) {
		r.type = (uint8_t)type;
		if (!field_applies(f, &r.r))
			continue;
		lua_pushboolean(L, true);
		lua_rawseti(L, -2, type);
	}
	lua_setfield(L, -2, "types");
}

static void push_source(lua_State *L, const struct script_source *src, uint32_t kinds)
{
	static const char *const what[] = { [SCRIPT_FILE] = "file", [SCRIPT_EXPR] = "expr",
					    [SCRIPT_FILTER] = "filter" };

	lua_newtable(L);
	set_string(L, "what", what[src->what]);
	set_string(L, "name", src->name ? src->name : "-e");
	set_bytes(L, "text", src->text);
	set_string(L, "begin", src->begin);
	set_string(L, "finish", src->end);
	set_integer(L, "kinds", kinds);
	lua_newtable(L);
	for (const struct script_module *m = src->modules; m && m->name; m++)
		set_bytes(L, m->name, m->text);
	lua_setfield(L, -2, "modules");
}

static void set_functions(struct state *st)
{
	static const luaL_Reg list[] = {
		{ "names", sys_names },		{ "near", sys_near },
		{ "write", sys_write },		{ "raw", sys_raw },
		{ "emit", sys_emit },		{ "warn", sys_warn },
		{ "info", sys_info },		{ "debug", sys_debug },
		{ "now", sys_now },		{ "stats", sys_stats },
		{ "set_hint", sys_set_hint },
		{ "set_interval", sys_set_interval }, { "tty_is", sys_tty_is },
		{ "tty_size", sys_tty_size },	{ "tty_color", sys_tty_color },
		{ "load_text", sys_load_text },	{ "trusted", sys_trusted },
		{ "module", sys_module },	{ "module_names", sys_module_names },
		{ NULL, NULL },
	};

	for (const luaL_Reg *f = list; f->name; f++) {
		lua_pushlightuserdata(st->L, st);
		lua_pushcclosure(st->L, f->func, 1);
		lua_setfield(st->L, -2, f->name);
	}
}

/* "a,b,c" as a table. */
static void push_list(lua_State *L, const char *value)
{
	int n = 0;

	lua_newtable(L);
	while (*value) {
		size_t len = strcspn(value, ",");

		lua_pushlstring(L, value, len);
		lua_rawseti(L, -2, ++n);
		value += len + (value[len] == ',');
	}
}

/* Arguments by the types that the script's header declares. */
static void push_args(lua_State *L, const struct script_header *h, const char *const *given)
{
	lua_newtable(L);
	for (size_t i = 0; i < h->arg_cnt; i++) {
		const struct header_arg *a = &h->args[i];
		const char *value = header_value(a, given);
		double n;

		if (!value)
			continue;
		if (a->type == ARG_LIST)
			push_list(L, value);
		else if (a->type == ARG_BOOL)
			lua_pushboolean(L, *value == 't' || *value == 'y' || *value == '1');
		else if (a->type != ARG_STRING && a->type != ARG_ENUM && a->type != ARG_PATTERN &&
			 header_number(a->type, value, &n))
			lua_pushnumber(L, n);
		else
			lua_pushstring(L, value);
		lua_setfield(L, -2, a->name);
	}
}

void sys_push(struct state *st)
{
	lua_State *L = st->L;
	const struct embedded *cdef = find_text("record.cdef");

	lua_newtable(L);
	set_functions(st);
	set_bytes(L, "cdef", bytes_of(cdef->begin, (size_t)(cdef->end - cdef->begin)));
	set_string(L, "version", SPF_VERSION);
	set_integer(L, "kind_count", KIND_COUNT);
	set_integer(L, "memory_max", (int64_t)(st->opt->memory_max ? st->opt->memory_max : 1ull << 40));
	set_integer(L, "interval", st->interval_ns);
	set_bool(L, "interval_given", st->opt->interval_ns > 0);
	set_bool(L, "jit", use_jit(st));
	set_bool(L, "check_only", st->check_only);
	set_bool(L, "strict", st->opt->strict);
	set_bool(L, "unsafe", st->opt->unsafe);
	set_pointer(L, "ctl", &st->ctl);
	set_pointer(L, "find_header", (void *)(uintptr_t)find_header);
	set_pointer(L, "service_len", (void *)(uintptr_t)service_len);
	push_args(L, &st->header, st->src->args);
	lua_setfield(L, -2, "args");
	push_source(L, st->src, st->kinds);
	lua_setfield(L, -2, "source");
	lua_newtable(L);
	for (uint32_t i = 0; i < fields_cnt; i++) {
		push_field(L, &fields[i]);
		lua_rawseti(L, -2, (int)i + 1);
	}
	lua_setfield(L, -2, "fields");
}
