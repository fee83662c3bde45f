/* SPDX-License-Identifier: BSD-2-Clause */
/* Views of records against eager tables of the same content: random sequences of everything that
 * Lua can do to a table. SPF_SEQUENCES=100000 is the number of issue 6; the default is quick. */
#include "script_test.h"

#include <unistd.h>

#include "util/log.h"
#include "util/xalloc.h"

/* Two tables for each record: r, the view, and e, made by reading every field by name. The same
 * random operations go to both; after each, what it returned must be alike, at the end all else. */
static const char script[] =
	"local ops, done, bad = {}, 0, 0\n"
	"local seed = 1\n"
	"local function rnd(n) seed = (seed * 1103515245 + 12345) % 2147483648 return math.floor(seed / 65536) % n + 1 end\n"
	"local NAMES = {}\n"
	"for n in ('kind seq ts elapsed_ns queue_us conn_id from pid comm addr transport tls proto exact conn method scheme '\n"
	"  .. 'authority path rpc_method rpc_service type type_id flags length stream_id truncated violation end_stream ack '\n"
	"  .. 'end_headers padded pad_length data_length data trailers status headers header_bytes complete missing '\n"
	"  .. 'continuations stream_dependency weight exclusive error_code error settings promised_stream_id opaque_data '\n"
	"  .. 'last_stream_id debug_data window_size_increment window conn_window stalled_us of'):gmatch('%S+') do NAMES[#NAMES + 1] = n end\n"
	"local EXTRA = { 'mine', 'other', 1, 2, 3, true, 1.5 }\n"
	"local HEADER = { 'name', 'value', 'indexed', 'sensitive', 'wire_length', 'unknown' }\n"
	"local function same(a, b, depth)\n"
	"  if a == b then return true end\n"
	"  if type(a) ~= 'table' or type(b) ~= 'table' or depth > 4 then return false end\n"
	"  local n = 0\n"
	"  for k, v in pairs(a) do n = n + 1 if not same(v, b[k], depth + 1) then return false end end\n"
	"  for _ in pairs(b) do n = n - 1 end\n"
	"  return n == 0\n"
	"end\n"
	"local function eager(r)\n"
	"  local e = {}\n"
	"  for _, n in ipairs(NAMES) do e[n] = r[n] end\n"
	"  return e\n"
	"end\n"
	"local function key() if rnd(4) == 1 then return EXTRA[rnd(#EXTRA)] end return NAMES[rnd(#NAMES)] end\n"
	"local VALUES = { 1, 'x', true, {}, function() end, false }\n"
	"local MT = { __index = function(_, k) return k end, __newindex = function(t, k, v) rawset(t, k, v) end }\n"
	"local function count(t) local n = 0 for _ in pairs(t) do n = n + 1 end return n end\n"
	"local function next_all(t)\n"
	"  local n, k = 0, nil\n"
	"  repeat k = next(t, k) if k ~= nil then n = n + 1 end until k == nil\n"
	"  return n\n"
	"end\n"
	"ops = {\n"
	"  function(t, k) return t[k] end,\n"
	"  function(t, k) return t[k] end,\n"
	"  function(t, k) return t[k] end,\n"
	"  function(t, k, v) t[k] = v return t[k] end,\n"
	"  function(t, k) t[k] = nil return t[k] end,\n"
	"  function(t, k) return rawget(t, k) end,\n"
	"  function(t, k, v) rawset(t, k, v) return rawget(t, k) end,\n"
	"  function(t) return count(t) end,\n"
	"  function(t) return next_all(t) end,\n"
	"  function(t) return getmetatable(t) end,\n"
	"  function(t) return #t end,\n"
	"  function(t) local n = 0 for _ in ipairs(t) do n = n + 1 end return n end,\n"
	"  function(t, _, v) table.insert(t, v) return #t end,\n"
	"  function(t) return table.remove(t) end,\n"
	"  function(t) return select('#', unpack(t)), (unpack(t)) end,\n"
	"  function(t) return type(t) end,\n"
	"  function(t) return pcall(function() return t < t end) end,\n"
	"  function(t) return (pcall(function() return t() end)) end,\n"
	"  function(t) return table.maxn(t) end,\n"
	"  function(t, k) local n = 0 for n2, v in pairs(t) do if n2 == k then n = v end end return n end,\n"
	"  function(t) setmetatable(t, MT) local x = getmetatable(t) == MT setmetatable(t, nil) return x end,\n"
	"  function(t) return t == t, rawequal(t, t) end,\n"
	"  function(t, k) local ok = pcall(function() return t[k] .. '' end) return ok end,\n"
	"  function(t) return tostring(t):match('^table: ') end,\n"
	"}\n"
	/* Of a table with a hole Lua does not say what # is, nor table.insert, table.remove and unpack,
	 * and on aarch64 LuaJIT's answer changes with what it has compiled. */
	"local LENGTH = { [11] = true, [13] = true, [14] = true, [15] = true }\n"
	"local function has_hole(t)\n"
	"  for i = 2, 12 do if rawget(t, i) ~= nil and rawget(t, i - 1) == nil then return true end end\n"
	"  return false\n"
	"end\n"
	"local kept = {}\n"
	"local function sequence(r)\n"
	"  local e = eager(r)\n"
	"  local log = {}\n"
	"  for i = 1, rnd(8) do\n"
	"    local o, k, v = rnd(#ops), key(), VALUES[rnd(#VALUES)]\n"
	"    if k ~= nil and not (LENGTH[o] and has_hole(e)) then\n"
	"    local a = { pcall(ops[o], r, k, v) }\n"
	"    local b = { pcall(ops[o], e, k, v) }\n"
	"    log[i] = o .. ':' .. tostring(k)\n"
	"    for j = 1, 4 do if not same(a[j], b[j], 0) and not (type(a[j]) == 'string' and a[1] == false) then\n"
	"      bad = bad + 1\n"
	"      if bad < 5 then print('differs', r.seq, table.concat(log, ' '), tostring(a[j]), tostring(b[j])) end\n"
	"      return\n"
	"    end end\n"
	"    end\n"
	"  end\n"
	"  if not same(r, e, 0) then bad = bad + 1 if bad < 5 then print('at the end', table.concat(log, ' ')) end end\n"
	"end\n"
	"function on_frame(f)\n"
	"  done = done + 1\n"
	"  if done % 7 == 0 then kept[#kept + 1] = f end\n"
	"  if #kept > 500 then\n"
	"    for _, r in ipairs(kept) do sequence(r) end\n"
	"    kept = {}\n"
	"  end\n"
	"  if done % 7 ~= 0 then sequence(f) end\n"
	"end\n"
	"function on_end()\n"
	"  for _, r in ipairs(kept) do sequence(r) end\n"
	"  print(done, bad)\n"
	"end\n";

static void add_any(struct bench *t, int i)
{
	struct rec_frame *f;

	switch (i % 6) {
	case 0:
		add_headers(t, (uint32_t)i, "/a.B/C", "a", "1", "b", "2", NULL)->flags = 5;
		return;
	case 1:
		f = add_frame(t, 0, (uint32_t)i);
		f->data_length = 3;
		f->has_data = 1;
		f->data = S(t, "abc");
		f->ctx.path = S(t, "/x");
		return;
	case 2:
		add_frame(t, 8, 0)->window_size_increment = (uint32_t)i;
		return;
	case 3:
		f = add_frame(t, 7, 0);
		f->error_code = 2;
		f->data = S(t, "bye");
		return;
	case 4:
		f = add_frame(t, 4, 0);
		f->settings.count = 1;
		f->settings.off = (uint32_t)((char *)batch_alloc(t->b, sizeof(struct setting)) - (char *)t->b);
		*batch_settings(t->b, f->settings) = (struct setting){ .id = 4, .value = 9 };
		return;
	default:
		add_frame(t, 0x2a, 1)->r.hidden = 0;
	}
}

static void compare(bool no_jit)
{
	struct script_source src = { .what = SCRIPT_FILE, .name = "t.lua", .text = bytes_str(script) };
	struct bench t = bench_of(&src, 1, (struct script_options){ .no_jit = no_jit });
	const char *env = getenv("SPF_SEQUENCES");
	int n = env ? atoi(env) : 4000;
	char *want;

	if (!t.s)
		fail_msg("%s", t.why);
	t.b = scripts_batch(t.s, 0);
	for (int i = 0; i < n; i++)
		add_any(&t, i);
	bench_run(&t);
	bench_end(&t);
	assert_int_equal(scripts_errors(t.s), 0);
	want = xasprintf("%d\t0\n", n);
	assert_says(bench_text(&t), want);
	free(want);
	bench_free(&t);
}

static void a_view_differs_from_a_plain_table_in_nothing(void **state)
{
	compare(false);
}

static void nor_does_it_without_the_compiler(void **state)
{
	compare(true);
}

static size_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	if (!f || fscanf(f, "%*u %lu", &pages) != 1)
		fail_msg("/proc/self/statm");
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* A script that keeps each record; SPF_KEPT=1000000 is the number of issue 6. */
static void kept_records_take_less_than_twice_their_content(void **state)
{
	struct bench t = bench_script("local kept = {}\n"
				      "function on_frame(f) kept[#kept + 1] = f end\n"
				      "function on_end() print(#kept, kept[1].stream_id, kept[#kept].stream_id) end");
	const char *env = getenv("SPF_KEPT");
	int n = env ? atoi(env) : 100000;
	size_t before = resident(), content = 0;
	char *want;

	for (int i = 0; i < n;) {
		uint32_t used;

		t.b = scripts_batch(t.s, 0);
		used = t.b->used;
		for (int k = 0; k < 120 && i < n; k++, i++)
			add_headers(&t, (uint32_t)i, "/a.B/C", "a", "1", "b", "2", NULL);
		content += t.b->used - used;
		scripts_run(t.s, t.b);
	}
	before = resident() - before;
	bench_end(&t);
	want = xasprintf("%d\t0\t%d\n", n, n - 1);
	assert_says(bench_text(&t), want);
	free(want);
	if (before > 2 * content + (8 << 20))
		fail_msg("%zu MiB for %zu MiB of records", before >> 20, content >> 20);
	bench_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_view_differs_from_a_plain_table_in_nothing),
		cmocka_unit_test(nor_does_it_without_the_compiler),
		cmocka_unit_test(kept_records_take_less_than_twice_their_content),
	};

	log_setup(true, false);
	return cmocka_run_group_tests_name("script_views", tests, NULL, NULL);
}
