/* SPDX-License-Identifier: BSD-2-Clause */
#include "script/script.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <time.h>

#include "script/state.h"
#include "util/log.h"
#include "util/watch.h"
#include "util/xalloc.h"

enum {
	/* A batch is filled on, after its records were handed over, up to here: a quiet capture
	 * then does not make 64 KiB of garbage a record. */
	REFILL_MAX = BATCH_LEN / 2,
	SLOW_PERCENT = 50, /* of a core: a script that loses events from here on is named */
	CPU_EXACT = 64,    /* batches of which each is measured, */
	CPU_SAMPLE = 8,    /* and then one in so many */
};

struct scripts {
	struct script_options opt;
	size_t cnt;
	struct state *states;
	struct batch *own; /* when there is no script */
	uint32_t keys_seen;
};

/* The kinds that a one-liner without -k sees: -e frames; -f what it filters for: all that scripts
 * hook, frames of -e, or what is printed by default. */
static uint32_t kinds_of_source(const struct script_source *src, const struct script_source *all,
				size_t cnt)
{
	bool has_file = false, has_expr = false;

	if (src->kinds)
		return src->kinds;
	for (size_t i = 0; i < cnt; i++) {
		has_file |= all[i].what == SCRIPT_FILE;
		has_expr |= all[i].what == SCRIPT_EXPR;
	}
	if (src->what == SCRIPT_FILTER && has_file)
		return (1u << KIND_COUNT) - 1;
	if (src->what == SCRIPT_FILTER && !has_expr)
		return 1u << KIND_FRAME | 1u << KIND_HTTP | 1u << KIND_GAP;
	return 1u << KIND_FRAME;
}

struct scripts *scripts_new(const struct script_source *src, size_t src_cnt,
			    const struct script_options *o, struct sink *out, char **why)
{
	struct scripts *s = xcalloc(1, sizeof(*s));

	s->opt = *o;
	s->states = xcalloc(src_cnt ? src_cnt : 1, sizeof(*s->states));
	limit_arm(o->timeout_ns);
	while (s->cnt < src_cnt) {
		struct state *st = &s->states[s->cnt++];

		st->kinds = kinds_of_source(&src[s->cnt - 1], src, src_cnt);
		if (state_init(st, &src[s->cnt - 1], &s->opt, out, why) == 0) {
			if (st->keys)
				atomic_store(&watch_page->wants_keys, 1);
			continue;
		}
		s->cnt--;
		scripts_free(s);
		return NULL;
	}
	return s;
}

int scripts_check(const struct script_source *src, char **why)
{
	struct script_options o = { 0 };
	struct state st = { .check_only = true };

	if (state_init(&st, src, &o, NULL, why))
		return -EINVAL;
	if (st.header.title && header_complete(&st.header, st.name, why)) {
		state_release(&st);
		return -EINVAL;
	}
	state_release(&st);
	return 0;
}

void scripts_free(struct scripts *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->cnt; i++)
		state_release(&s->states[i]);
	free(s->states);
	free(s->own);
	free(s);
}

void scripts_want(const struct scripts *s, struct want *want)
{
	for (size_t i = 0; i < s->cnt; i++) {
		const struct state *st = &s->states[i];

		for (uint32_t k = 0; k < KIND_COUNT; k++)
			want->kind[k] |= st->hooks >> k & 1;
		want->kind[KIND_CONN] |= st->tracks_conns;
		want->data |= st->data;
		want->headers |= st->headers;
	}
}

const char *scripts_addr(const struct scripts *s)
{
	if (!s->cnt || s->states[0].src->what != SCRIPT_FILTER)
		return NULL;
	for (size_t i = 1; i < s->cnt; i++) /* -f with -k says nothing of other kinds, which -s may see */
		if (s->states[i].src->what == SCRIPT_FILE && s->states[0].src->kinds)
			return NULL;
	return s->states[0].addr;
}

/* The message that state_call() left on the stack, popped. */
static char *take_error(struct state *st)
{
	const char *s = lua_tostring(st->L, -1);
	char *why = xasprintf("%s: %s", st->name, s ? s : "error object");

	if (s && strncmp(s, st->name, strlen(st->name)) == 0) {
		free(why);
		why = xstrdup(s);
	}
	lua_pop(st->L, 1);
	return why;
}

static void push_info(lua_State *L, const struct script_info *info)
{
	lua_newtable(L);
	lua_pushboolean(L, info->live);
	lua_setfield(L, -2, "live");
	lua_pushstring(L, info->file);
	lua_setfield(L, -2, "file");
	lua_newtable(L);
	for (int i = 0; info->targets && info->targets[i]; i++) {
		lua_pushstring(L, info->targets[i]);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -2, "targets");
	lua_pushnumber(L, (lua_Number)info->start_ns / 1e9);
	lua_setfield(L, -2, "start");
	lua_pushstring(L, SPF_VERSION);
	lua_setfield(L, -2, "version");
}

int scripts_start(struct scripts *s, const struct script_info *info, char **why)
{
	for (size_t i = 0; i < s->cnt; i++) {
		struct state *st = &s->states[i];

		push_info(st->L, info);
		if (state_call(st, st->start, 1, "on_start")) {
			*why = take_error(st);
			return -EINVAL;
		}
	}
	return 0;
}

struct batch *scripts_batch(struct scripts *s, uint32_t need)
{
	uint32_t cap = need > BATCH_LEN ? need : BATCH_LEN;
	struct state *st = s->states;
	struct batch *b = s->cnt ? st->b : s->own;

	if (b && b->count == 0 && need <= b->cap - b->used)
		return b;
	if (b && b->used <= REFILL_MAX && need <= b->cap - b->used) {
		b->count = 0; /* views of its records hold their offsets */
		return b;
	}
	if (s->cnt) {
		state_new_batch(st, cap);
		return st->b;
	}
	s->own = xrealloc(s->own, cap);
	batch_init(s->own, cap);
	return s->own;
}

/* Gives a further script its own copy of what is new in the batch: states share no memory. */
static void copy_batch(struct state *st, const struct batch *b, uint32_t from)
{
	if (!st->b || st->b->cap != b->cap || st->copied != from) {
		state_new_batch(st, b->cap);
		from = sizeof(*b);
	}
	memcpy((char *)st->b + from, (const char *)b + from, b->used - from);
	memcpy(st->b, b, sizeof(*b));
	st->copied = b->used;
}

static void copy_hidden(const struct batch *from, struct batch *to)
{
	for (uint32_t i = 0; i < to->count; i++)
		batch_at(to, i)->hidden = batch_at(from, i)->hidden;
}

static uint32_t kinds_of(const struct batch *b)
{
	uint32_t kinds = 0;

	for (uint32_t i = 0; i < b->count; i++)
		kinds |= 1u << batch_at(b, i)->kind;
	return kinds;
}

static int64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* How many batches the next one stands for in the script's CPU time. To ask for it takes two system
 * calls, so where there are many batches few are measured. */
static int cpu_weight(struct state *st)
{
	uint32_t n = st->batch_cnt++;

	return n < CPU_EXACT ? 1 : n % CPU_SAMPLE ? 0 : CPU_SAMPLE;
}

static void run_one(struct state *st)
{
	int weight = cpu_weight(st);
	int64_t start = weight ? cpu_ns() : 0;

	lua_rawgeti(st->L, LUA_REGISTRYINDEX, st->b_ref);
	if (state_call(st, st->run, 1, NULL)) {
		char *why = take_error(st);

		log_warn("%s", why);
		st->ctl.errors++;
		free(why);
	}
	if (weight)
		st->cpu_ns += (cpu_ns() - start) * weight;
}

void scripts_run(struct scripts *s, struct batch *b)
{
	uint32_t kinds = kinds_of(b);

	for (size_t i = 0; i < s->cnt && b->count; i++) {
		struct state *st = &s->states[i];
		uint32_t takes = st->hooks | st->filters | (st->tracks_conns ? 1u << KIND_CONN : 0);

		if (!(kinds & takes) || st->ctl.exit)
			continue;
		if (b != st->b)
			copy_batch(st, b, b->rec[0]);
		run_one(st);
		if (b != st->b)
			copy_hidden(st->b, b);
	}
}

static void push_key(lua_State *L, uint8_t key)
{
	static const char *const names[] = { "up", "down", "right", "left" };
	char text[2] = { (char)key, 0 };

	if (key >= WATCH_KEY_UP && key < WATCH_KEY_END)
		lua_pushstring(L, names[key - WATCH_KEY_UP]);
	else
		lua_pushstring(L, text);
}

static void give_key(struct scripts *s, uint8_t key)
{
	for (size_t i = 0; i < s->cnt; i++) {
		struct state *st = &s->states[i];

		if (!st->keys || st->ctl.exit)
			continue;
		push_key(st->L, key);
		if (state_call(st, st->key, 1, "on_key")) {
			char *why = take_error(st);

			log_warn("%s", why);
			free(why);
		}
	}
}

static void give_keys(struct scripts *s)
{
	uint32_t cnt = atomic_load(&watch_page->key_cnt);

	if (cnt - s->keys_seen > WATCH_KEYS) /* typed faster than anybody looked */
		s->keys_seen = cnt - WATCH_KEYS;
	for (; s->keys_seen != cnt; s->keys_seen++)
		give_key(s, watch_page->key[s->keys_seen % WATCH_KEYS]);
}

int64_t scripts_tick(struct scripts *s, int64_t now_ns, int64_t epoch_ns)
{
	int64_t next = INT64_MAX;

	give_keys(s);
	for (size_t i = 0; i < s->cnt; i++) {
		struct state *st = &s->states[i];

		if (!st->ticks)
			continue;
		if (!st->due_ns)
			st->due_ns = now_ns + st->interval_ns;
		if (now_ns >= st->due_ns) {
			/* what was missed is not made up for: one call, then on along the grid */
			st->due_ns += ((now_ns - st->due_ns) / st->interval_ns + 1) * st->interval_ns;
			lua_pushnumber(st->L, (lua_Number)epoch_ns / 1e9);
			lua_pushnumber(st->L, ++st->tick_cnt);
			if (state_call(st, st->interval, 2, "on_interval")) {
				char *why = take_error(st);

				log_warn("%s", why);
				free(why);
			}
		}
		if (st->due_ns && st->due_ns < next)
			next = st->due_ns;
	}
	return next;
}

static void push_summary(lua_State *L, const struct script_summary *sum)
{
	lua_newtable(L);
	lua_pushnumber(L, (lua_Number)sum->records);
	lua_setfield(L, -2, "records");
	lua_pushnumber(L, (lua_Number)sum->dropped);
	lua_setfield(L, -2, "dropped");
	lua_pushnumber(L, (lua_Number)sum->gaps);
	lua_setfield(L, -2, "gaps");
	lua_pushnumber(L, (lua_Number)sum->duration_ns / 1e9);
	lua_setfield(L, -2, "duration");
	lua_pushstring(L, sum->reason);
	lua_setfield(L, -2, "reason");
}

/* Where a live capture lost events, names the scripts that kept spf from reading them. */
static void report_slow(const struct state *st, const struct script_summary *sum)
{
	int64_t share = sum->duration_ns > 0 ? st->cpu_ns * 100 / sum->duration_ns : 0;

	if (sum->dropped && share >= SLOW_PERCENT)
		log_warn("%s used %lld %% of a core; %llu events lost", st->name, (long long)share,
			 (unsigned long long)sum->dropped);
}

void scripts_end(struct scripts *s, const struct script_summary *sum)
{
	for (size_t i = 0; i < s->cnt; i++) {
		struct state *st = &s->states[i];

		report_slow(st, sum);
		push_summary(st->L, sum);
		if (state_call(st, st->finish, 1, "on_end")) {
			char *why = take_error(st);

			log_warn("%s", why);
			free(why);
		}
	}
}

bool scripts_want_exit(const struct scripts *s, int *code)
{
	for (size_t i = 0; i < s->cnt; i++) {
		if (!s->states[i].ctl.exit)
			continue;
		*code = s->states[i].ctl.code;
		return true;
	}
	return false;
}

uint64_t scripts_errors(const struct scripts *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->cnt; i++)
		n += s->states[i].ctl.errors;
	return n;
}
