/* SPDX-License-Identifier: BSD-2-Clause */
#include "script_test.h"
#include "util/watch.h"

#include "util/log.h"

static void a_callback_reads_the_fields_of_its_record(void **state)
{
	struct bench t = bench_script(
		"function on_frame(f)\n"
		"  print(f.kind, f.seq, f.type, f.stream_id, f.conn_id, f.pid, f.comm, f.addr, f.from, f.proto)\n"
		"  print(f.method, f.path, f.rpc_method, f.rpc_service, f.status, f.end_stream, f.ts, f.queue_us)\n"
		"end");

	add_headers(&t, 3, "/pkg.Svc/Get", NULL)->flags = 5;
	add_frame(&t, 8, 3)->window_size_increment = 9;
	bench_run(&t);
	assert_says(bench_text(&t),
		    "frame\t1\tHEADERS\t3\t7\t42\tcurl\t/run/app.sock\tclient\th2\n"
		    "POST\t/pkg.Svc/Get\tpkg.Svc/Get\tpkg.Svc\tnil\ttrue\t1700000000.001\tnil\n"
		    "frame\t2\tWINDOW_UPDATE\t3\t7\t42\tcurl\t/run/app.sock\tclient\th2\n"
		    "nil\tnil\tnil\tnil\tnil\tnil\t1700000000.002\tnil\n");
	assert_int_equal(scripts_errors(t.s), 0);
	bench_free(&t);
}

static void fields_of_other_frame_types_are_nil(void **state)
{
	struct bench t = bench_script("function on_frame(f) print(f.type, f.window_size_increment, f.data_length, "
				      "f.error, f.opaque_data, f.data) end");
	struct rec_frame *f;

	add_frame(&t, 8, 0)->window_size_increment = 9;
	f = add_frame(&t, 3, 5);
	f->error_code = 8;
	f = add_frame(&t, 0, 5);
	f->data_length = 2;
	f->data = S(&t, "hi");
	add_frame(&t, 6, 0)->data = S(&t, "12345678");
	add_frame(&t, 0x2a, 0)->data = S(&t, "x");
	bench_run(&t);
	assert_says(bench_text(&t), "WINDOW_UPDATE\t9\tnil\tnil\tnil\tnil\n"
				    "RST_STREAM\tnil\tnil\tCANCEL\tnil\tnil\n"
				    "DATA\tnil\t2\tnil\tnil\thi\n"
				    "PING\tnil\tnil\tnil\t12345678\tnil\n"
				    "0x2a\tnil\tnil\tnil\tnil\tx\n");
	bench_free(&t);
}

static void headers_are_found_by_name_in_order_and_all(void **state)
{
	struct bench t = bench_script(
		"function on_frame(f)\n"
		"  local h = f.headers\n"
		"  print(h['content-type'], h['Content-Type'], h.nothing)\n"
		"  for n, v in h:each() do print(n, v) end\n"
		"  print(table.concat(h:all('set-cookie'), '|'), #h, h[2].name, h[2].indexed, h[9])\n"
		"  print(h['content-type'], f.headers == h)\n"
		"end");

	add_headers(&t, 1, "/x", "content-type", "a/b", "set-cookie", "1", "set-cookie", "2", NULL);
	bench_run(&t);
	assert_says(bench_text(&t), "a/b\ta/b\tnil\ncontent-type\ta/b\nset-cookie\t1\nset-cookie\t2\n"
				    "1|2\t3\tset-cookie\tfalse\tnil\na/b\ttrue\n");
	bench_free(&t);
}

/* Lua 5.1 knows no __len: wherever # of a header list can be taken, the list must be plain. */
static void the_length_of_headers_is_right_wherever_it_is_taken(void **state)
{
	static const char *const scripts[] = {
		"function on_frame(f) print(#f.headers) end",
		"function on_frame(f) local h = f.headers if h.a then print(#h) end end",
		"local function n(l) return #l end function on_frame(f) print(n(f.headers)) end",
		"local function n(l) return #l end function on_frame(f) local h = f.headers print(n(h)) end",
		"local kept function on_frame(f) kept = f.headers print(#kept) end",
		"local t = {} function on_frame(f) t.h = f.headers print(#t.h) end",
		"local function get(f) return f.headers end function on_frame(f) print(#get(f)) end",
		"function on_frame(f) local h = f.headers local function g() return #h end print(g()) end",
		"function on_frame(f) local h = f.headers or {} print(#h) end",
		"function on_frame(f) local k = 'headers' print(#f[k]) end",
		"function on_frame(f) for k, v in pairs(f) do if k == 'headers' then print(#v) end end end",
		"function on_frame(f) local h = f.headers h[4] = { name = 'd' } print(select('#', unpack(h)) - 1) end",
		"function on_frame(f) local n = 0 for _ in ipairs(f.headers) do n = n + 1 end print(n) end",
	};

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		struct bench t = bench_script(scripts[i]);

		add_headers(&t, 1, "/x", "a", "1", "b", "2", "c", "3", NULL);
		bench_run(&t);
		if (strcmp(bench_text(&t), "3\n"))
			fail_msg("%s: printed %s", scripts[i], t.text);
		bench_free(&t);
	}
}

static void a_record_is_a_plain_table_to_pairs_and_writes(void **state)
{
	struct bench t = bench_script(
		"function on_frame(f)\n"
		"  local n, names = 0, {}\n"
		"  f.mine = 1\n"
		"  for k, v in pairs(f) do names[#names + 1] = k end\n"
		"  table.sort(names)\n"
		"  print(table.concat(names, ' '))\n"
		"  f.type, f.path = nil, 'new'\n"
		"  print(f.type, f.path, rawget(f, 'stream_id'), f.mine, getmetatable(f))\n"
		"  setmetatable(f, { __index = function() return 'mt' end })\n"
		"  print(f.type, f.stream_id, next({}))\n"
		"end");

	add_frame(&t, 8, 3)->window_size_increment = 9;
	bench_run(&t);
	assert_says(bench_text(&t),
		    "addr comm conn conn_id elapsed_ns exact flags from kind length mine pid proto seq "
		    "stream_id tls transport truncated ts type type_id window_size_increment\n"
		    "nil\tnew\t3\t1\tnil\nmt\t3\tnil\n");
	assert_int_equal(scripts_errors(t.s), 0);
	bench_free(&t);
}

static void a_kept_record_stays_what_it_was(void **state)
{
	struct bench t = bench_script(
		"local kept, n = {}, 0\n"
		"function on_frame(f)\n"
		"  n = n + 1\n"
		"  if n % 100 == 1 then kept[#kept + 1] = f end\n"
		"end\n"
		"function on_end()\n"
		"  local bad = 0\n"
		"  for i, f in ipairs(kept) do\n"
		"    local s = 2 * ((i - 1) * 100 + 1) - 1\n"
		"    if f.stream_id ~= s or f.path ~= '/p' .. s or f.headers.id ~= tostring(s) then bad = bad + 1 end\n"
		"  end\n"
		"  print(#kept, bad)\n"
		"end");
	char path[32];

	for (int i = 0; i < 20000; i++) {
		snprintf(path, sizeof(path), "/p%d", 2 * i + 1);
		add_headers(&t, (uint32_t)(2 * i + 1), path, "id", path + 2, NULL);
	}
	bench_run(&t);
	bench_end(&t);
	assert_says(bench_text(&t), "200\t0\n");
	bench_free(&t);
}

static void false_hides_a_record_from_later_scripts_and_the_printer(void **state)
{
	struct script_source src[] = {
		{ .what = SCRIPT_FILTER, .name = "-f", .text = BYTES_LIT("stream_id ~= 3"), .kinds = 1u << KIND_FRAME },
		{ .what = SCRIPT_FILE, .name = "a.lua",
		  .text = BYTES_LIT("function on_frame(f) print('a', f.stream_id) return f.stream_id ~= 5 end") },
		{ .what = SCRIPT_FILE, .name = "b.lua",
		  .text = BYTES_LIT("function on_frame(f) print('b', f.stream_id, f.comm) f.stream_id = 1 end") },
	};
	struct bench t = bench_of(src, 3, (struct script_options){ 0 });
	struct batch *b;

	assert_non_null(t.s);
	t.b = scripts_batch(t.s, 0);
	for (uint32_t id = 1; id < 9; id += 2)
		add_frame(&t, 0, id);
	b = t.b;
	bench_run(&t);
	assert_says(bench_text(&t), "a\t1\na\t5\na\t7\nb\t1\tcurl\nb\t7\tcurl\n");
	assert_int_equal(batch_at(b, 1)->hidden, 1);
	bench_free(&t);
}

static void keys_come_by_name_and_a_script_that_has_no_use_for_them_does_not_ask(void **state)
{
	struct bench t = bench_script("function on_end() end");

	assert_int_equal(atomic_load(&watch_page->wants_keys), 0);
	bench_free(&t);
	t = bench_script("function on_key(k) print(k) if k == 'q' then spf.exit() end end");
	assert_int_equal(atomic_load(&watch_page->wants_keys), 1);
	memcpy(watch_page->key, "ab\x80\x83q!", 6);
	atomic_store(&watch_page->key_cnt, 6);
	scripts_tick(t.s, 1, 1);
	scripts_tick(t.s, 2, 2);
	assert_says(bench_text(&t), "a\nb\nup\nleft\nq\n");
	atomic_store(&watch_page->wants_keys, 0);
	bench_free(&t);
}

static void what_no_script_names_is_not_wanted(void **state)
{
	static const struct {
		const char *text;
		bool frame, call, data, headers;
	} cases[] = {
		{ "function on_frame(f) print(f.type) end", true, false, false, false },
		{ "local n = {} function on_frame(f) local t = f.type n[t] = (n[t] or 0) + 1 end",
		  true, false, false, false },
		{ "function on_frame(f) print(f.headers) end", true, false, false, true },
		{ "function on_call(c) print(c.response) end", false, true, false, true },
		{ "function on_frame(f) print(f.data) end", true, false, true, false },
		{ "function on_frame(f) for k in pairs(f) do print(k) end end", true, false, true, true },
		{ "function on_frame(f) print(f[f.type]) end", true, false, true, true },
		{ "local l = {'data'} function on_call(c) print(l) end", false, true, true, false },
		{ "function on_end() end", false, false, false, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench t = bench_script(cases[i].text);
		struct want w = { 0 };

		scripts_want(t.s, &w);
		if (w.kind[KIND_FRAME] != cases[i].frame || w.kind[KIND_CALL] != cases[i].call ||
		    w.data != cases[i].data || w.headers != cases[i].headers)
			fail_msg("%s: frame %d call %d data %d headers %d", cases[i].text, w.kind[KIND_FRAME],
				 w.kind[KIND_CALL], w.data, w.headers);
		bench_free(&t);
	}
}

static void mistakes_are_refused_with_their_line_and_a_near_name(void **state)
{
	assert_says(refused("\nfunction on_fraem(f) end"),
		    "t.lua:2: unknown callback 'on_fraem'; did you mean 'on_frame'?");
	assert_says(refused("function on_frame(f)\n  prnt(f.type)\nend"),
		    "t.lua:2: unknown global 'prnt'; did you mean 'print'?");
	assert_says(refused("function on_call(c)\n  print(c.rpc_metod)\nend"),
		    "t.lua:2: unknown field 'rpc_metod' of a call; did you mean 'rpc_method'?");
	assert_says(refused("function on_frame(f)\n\n  total = 1\nend"),
		    "t.lua:3: global 'total' is assigned inside a function; use local");
	assert_says(refused("function on_frame(f)\n  if end"), "t.lua:2: unexpected symbol near 'end'");
	assert_says(refused("on_frame = 3"), "t.lua:0: on_frame is not a function");
	assert_says(refused("error('no')"), "t.lua:1: no");
	assert_says(refused("local x = 1LL"),
		    "t.lua:1: integer literals of 64 bits (1LL) are not for scripts");
	assert_says(refused("require 'spf.ag'"), "t.lua:1: module 'spf.ag' not found: neither in spf's library "
						 "nor beside the script; did you mean 'spf.agg'?");
	assert_says(refused("\033LJ\002"), "t.lua: compiled Lua is refused; give the text");
}

static void an_error_is_counted_and_the_next_record_comes(void **state)
{
	struct bench t = bench_script("function on_frame(f)\n"
				      "  if f.stream_id % 2 == 0 then error('even') end\n"
				      "  print(f.stream_id)\nend");

	for (uint32_t i = 1; i <= 5; i++)
		add_frame(&t, 0, i);
	bench_run(&t);
	assert_says(bench_text(&t), "1\n3\n5\n");
	assert_int_equal(scripts_errors(t.s), 2);
	bench_end(&t);
	bench_free(&t);
}

static void exit_ends_at_once_with_its_code(void **state)
{
	struct bench t = bench_script("function on_frame(f) print(f.stream_id) if f.stream_id == 2 then "
				      "pcall(spf.exit, 3) spf.exit(4) end end");
	int code = -1;

	for (uint32_t i = 1; i <= 5; i++)
		add_frame(&t, 0, i);
	assert_false(scripts_want_exit(t.s, &code));
	bench_run(&t);
	assert_says(bench_text(&t), "1\n2\n");
	assert_true(scripts_want_exit(t.s, &code));
	assert_int_equal(code, 4);
	assert_int_equal(scripts_errors(t.s), 0);
	bench_free(&t);
}

static void intervals_keep_their_grid_and_do_not_catch_up(void **state)
{
	struct bench t = bench_script("spf.interval('2s')\nfunction on_interval(now, n) print(now, n) end");
	const int64_t s = 1000000000;

	assert_int_equal(scripts_tick(t.s, 10 * s, 0), 12 * s);
	assert_int_equal(scripts_tick(t.s, 12 * s, 5 * s), 14 * s);
	assert_int_equal(scripts_tick(t.s, 13 * s, 5 * s), 14 * s);
	assert_int_equal(scripts_tick(t.s, 19 * s, 7 * s), 20 * s);
	assert_says(bench_text(&t), "5\t1\n7\t2\n");
	bench_free(&t);
}

static void start_and_end_are_told_about_the_capture(void **state)
{
	struct bench t = bench_script("function on_start(i) print(i.live, i.file, i.start) end\n"
				      "function on_end(s) print(s.records, s.reason, s.errors) end");
	struct script_info info = { .file = "x.chunks", .start_ns = 5000000000 };
	char *why = NULL;

	assert_int_equal(scripts_start(t.s, &info, &why), 0);
	add_frame(&t, 0, 1);
	bench_run(&t);
	bench_end(&t);
	assert_says(bench_text(&t), "false\tx.chunks\t5\n1\teof\t0\n");
	bench_free(&t);
}

static void the_environment_holds_what_is_allowed_and_no_more(void **state)
{
	struct bench t = bench_script(
		"local function try(f, ...) local ok, e = pcall(f, ...) return ok and tostring(e) or 'error' end\n"
		"function on_end()\n"
		"  print(try(function() return ('').dump end), getmetatable(''), string.dump)\n"
		"  print(try(load, '\\27LJ'), load('return type(print)')(), load('x =')) \n"
		"  print(try(load('return io')), try(load('return os.execute')))\n"
		"  print(tostring(pcall(load('y = 1'))))\n"
		"end\n"
		"function on_frame(f)\n"
		"  for k in pairs(f) do if type(k) ~= 'string' then print('leak', type(k)) end end\n"
		"  local h = f.headers\n"
		"  local it, st = h:each()\n"
		"  print(type(st), try(next, st), try(rawset, st, 'i', 1e6), try(setmetatable, st, {}), try(it, {}))\n"
		"  for k, v in pairs(h) do print(type(k), v.name) end\n"
		"end");

	add_headers(&t, 1, "/x", "a", "1", NULL);
	bench_run(&t);
	bench_end(&t);
	assert_says(bench_text(&t), "table\terror\terror\terror\terror\nnumber\ta\n"
				    "nil\tfalse\tnil\nnil\tfunction\tnil\t(load):1: unexpected symbol near '<eof>'\n"
				    "error\tnil\nfalse\n");
	bench_free(&t);
}

static void a_connection_is_one_shared_table(void **state)
{
	struct bench t = bench_script(
		"local first\n"
		"function on_frame(f)\n"
		"  if not first then first = f.conn end\n"
		"  print(first == f.conn, f.conn.op, f.conn.client.comm, f.conn.server.uid)\n"
		"end\n"
		"local state = spf.per_conn(function() return { n = 0 } end)\n"
		"function on_conn(c) local s = state(c) s.n = s.n + 1 print(c.op, s.n, c.client.uid) end");

	add_conn(&t, CONN_OPEN);
	add_frame(&t, 0, 1);
	bench_run(&t);
	add_conn(&t, CONN_PROTO);
	add_frame(&t, 0, 1);
	add_conn(&t, CONN_CLOSE);
	add_conn(&t, CONN_OPEN);
	bench_run(&t);
	assert_says(bench_text(&t), "open\t1\t1000\ntrue\topen\tcurl\tnil\nproto\t2\t1000\n"
				    "true\tproto\tcurl\tnil\nclose\t3\t1000\nopen\t1\t1000\n");
	bench_free(&t);
}

static void stream_state_goes_with_its_stream(void **state)
{
	struct bench t = bench_script(
		"local n = 0\n"
		"local state = spf.per_stream(function() n = n + 1 return { id = n } end)\n"
		"function on_frame(f) print(f.stream_id, f.from, state(f).id) end");
	struct rec_frame *f;

	add_frame(&t, 0, 1)->flags = 1;
	f = add_frame(&t, 0, 1);
	f->flags = 1;
	f->r.from = ROLE_SERVER;
	add_frame(&t, 0, 1);
	add_frame(&t, 3, 3);
	add_frame(&t, 0, 3);
	bench_run(&t);
	assert_says(bench_text(&t), "1\tclient\t1\n1\tserver\t1\n1\tclient\t2\n3\tclient\t3\n3\tclient\t4\n");
	bench_free(&t);
}

static void a_batch_is_filled_on_and_big_records_get_a_big_one(void **state)
{
	struct bench t = bench_script("local old\nfunction on_frame(f) if old then print(old.stream_id, #f.data) end "
				      "old = f end");
	struct batch *first = t.b;
	struct rec_frame *f;
	char *big = malloc(300000);

	memset(big, 'x', 299999);
	big[299999] = 0;
	add_frame(&t, 0, 1)->data = S(&t, "ab");
	bench_run(&t);
	assert_ptr_equal(t.b, first);
	assert_int_equal(t.b->count, 0);
	add_frame(&t, 0, 3)->data = S(&t, "abc");
	bench_run(&t);
	t.b = scripts_batch(t.s, 400000);
	assert_ptr_not_equal(t.b, first);
	f = add_frame(&t, 0, 5);
	f->data = S(&t, big);
	bench_run(&t);
	assert_says(bench_text(&t), "1\t3\n3\t299999\n");
	free(big);
	bench_free(&t);
}

/* One record in a hundred is kept: without compaction each would hold its batch of 64 KiB, and
 * 400,000 records 256 MiB. */
static void kept_records_do_not_hold_their_batches(void **state)
{
	static const char text[] =
		"local kept, n = {}, 0\n"
		"local hidden = coroutine.wrap(function() local mine = {} while true do mine[#mine + 1] = coroutine.yield(#mine) end end)\n"
		"hidden()\n"
		"function on_frame(f)\n"
		"  n = n + 1\n"
		"  if n % 100 == 0 then kept[#kept + 1] = f end\n"
		"  if n % 1000 == 1 then hidden(f) end\n"
		"end\n"
		"function on_end()\n"
		"  local bad = 0\n"
		"  for i, f in ipairs(kept) do if f.stream_id ~= i * 100 or f.headers.id ~= '1' or f.path ~= '/a/b' then bad = bad + 1 end end\n"
		"  print(#kept, bad)\n"
		"end\n";
	struct script_source src = { .what = SCRIPT_FILE, .name = "t.lua", .text = bytes_str(text) };
	struct bench t = bench_of(&src, 1, (struct script_options){ .memory_max = 160 << 20 });

	if (!t.s)
		fail_msg("%s", t.why);
	t.b = scripts_batch(t.s, 0);
	for (uint32_t i = 1; i <= 400000; i++)
		add_headers(&t, i, "/a/b", "id", "1", NULL);
	bench_run(&t);
	bench_end(&t);
	assert_says(bench_text(&t), "4000\t0\n");
	bench_free(&t);
}

/* Every field of every kind is nil, a boolean, a number, a string or a table: no cdata. */
static void no_field_is_cdata(void **state)
{
	struct bench t = bench_script(
		"local function look(r)\n"
		"  local n = 0\n"
		"  for k, v in pairs(r) do\n"
		"    local t = type(v)\n"
		"    if t == 'table' then look(v) elseif t ~= 'string' and t ~= 'number' and t ~= 'boolean' then print(k, t) end\n"
		"    n = n + 1\n"
		"  end\n"
		"  return n\n"
		"end\n"
		"local function show(r) print(r.kind, look(r) > 10) end\n"
		"on_chunk, on_conn, on_frame, on_message, on_http, on_call, on_gap = show, show, show, show, show, show, show");
	struct rec_chunk *c = add_record(&t, sizeof(*c), KIND_CHUNK);
	struct rec_message *m;
	struct rec_http *h;
	struct rec_gap *g;

	c->offset = UINT64_MAX;
	add_conn(&t, CONN_CLOSE)->client.cgroup = UINT64_MAX;
	add_headers(&t, UINT32_MAX, "/a/b", "n", "v", NULL)->r.seq = 1ull << 60;
	m = add_record(&t, sizeof(*m), KIND_MESSAGE);
	m->data = S(&t, "\010\001");
	h = add_record(&t, sizeof(*h), KIND_HTTP);
	h->content_length = INT64_MAX;
	add_call(&t, "/a/b", 5, 0)->req_bytes = UINT64_MAX;
	g = add_record(&t, sizeof(*g), KIND_GAP);
	g->bytes_missing = UINT64_MAX;
	bench_run(&t);
	assert_says(bench_text(&t), "chunk\ttrue\nconn\ttrue\nframe\ttrue\nmessage\ttrue\nhttp\ttrue\ncall\ttrue\n"
				    "gap\ttrue\n");
	bench_free(&t);
}

static void emit_prints_a_record_and_what_a_script_made_of_it(void **state)
{
	struct bench t = bench_script("function on_gap(g) spf.emit(g) local f = spf.fields(g) f.conn = nil\n"
				      "g.cause = 'mine' print(f.cause, g.cause) end");
	struct rec_gap *g = add_record(&t, sizeof(*g), KIND_GAP);

	g->cause = GAP_LATE;
	bench_run(&t);
	assert_non_null(strstr(bench_text(&t), "late"));
	assert_non_null(strstr(t.text, "late\tmine\n"));
	assert_int_equal(scripts_errors(t.s), 0);
	bench_free(&t);
}

static const char *checked(const char *text)
{
	struct script_source src = { .what = SCRIPT_FILE, .name = "t.lua", .text = bytes_str(text) };
	static char out[256];
	char *why = NULL;

	out[0] = 0;
	if (scripts_check(&src, &why))
		snprintf(out, sizeof(out), "%s", why);
	free(why);
	return out;
}

static void a_check_reads_and_runs_nothing(void **state)
{
	assert_says(checked("print('no') error('no')"), "");
	assert_says(checked("print(nix)"), "t.lua:1: unknown global 'nix'");
	assert_says(checked("--- A.\n-- @license MIT\n"), "t.lua: the header lacks @api");
	assert_says(checked("--- A.\n-- @license MIT\n-- @api 1\n-- @usage spf\n-- @output\n-- X\n"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_callback_reads_the_fields_of_its_record),
		cmocka_unit_test(fields_of_other_frame_types_are_nil),
		cmocka_unit_test(headers_are_found_by_name_in_order_and_all),
		cmocka_unit_test(the_length_of_headers_is_right_wherever_it_is_taken),
		cmocka_unit_test(a_record_is_a_plain_table_to_pairs_and_writes),
		cmocka_unit_test(a_kept_record_stays_what_it_was),
		cmocka_unit_test(false_hides_a_record_from_later_scripts_and_the_printer),
		cmocka_unit_test(keys_come_by_name_and_a_script_that_has_no_use_for_them_does_not_ask),
		cmocka_unit_test(what_no_script_names_is_not_wanted),
		cmocka_unit_test(mistakes_are_refused_with_their_line_and_a_near_name),
		cmocka_unit_test(an_error_is_counted_and_the_next_record_comes),
		cmocka_unit_test(exit_ends_at_once_with_its_code),
		cmocka_unit_test(intervals_keep_their_grid_and_do_not_catch_up),
		cmocka_unit_test(start_and_end_are_told_about_the_capture),
		cmocka_unit_test(the_environment_holds_what_is_allowed_and_no_more),
		cmocka_unit_test(a_connection_is_one_shared_table),
		cmocka_unit_test(stream_state_goes_with_its_stream),
		cmocka_unit_test(kept_records_do_not_hold_their_batches),
		cmocka_unit_test(no_field_is_cdata),
		cmocka_unit_test(emit_prints_a_record_and_what_a_script_made_of_it),
		cmocka_unit_test(a_check_reads_and_runs_nothing),
		cmocka_unit_test(a_batch_is_filled_on_and_big_records_get_a_big_one),
	};

	log_setup(true, false);
	return cmocka_run_group_tests_name("script", tests, NULL, NULL);
}
