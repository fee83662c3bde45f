/* SPDX-License-Identifier: BSD-2-Clause */
/* Scripts that do not end, in a child each: the message names the line, the limit holds within
 * 200 ms of CPU time, and who stays below it is left alone. */
#include "script/limit.h"

#include "test.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <lauxlib.h>
#include <lualib.h>

#include "util/log.h"
#include "util/watch.h"

enum { LIMIT_MS = 150 };

static int pipe_fd;
static struct shared {
	struct watch_page page;
	/* of the ticks in the later half of the limit: how many, and after how many of them the
	 * beat had not moved */
	int ticks, still;
} *shared;

static void say_stop(void *arg, const char *what)
{
	dprintf(pipe_fd, "%s: %s", (const char *)arg, what);
	_exit(EXIT_LIMIT);
}

static void say_name(void *arg, char *buf, size_t len)
{
	static uint32_t before;

	shared->still += shared->ticks && shared->page.beat == before;
	shared->ticks++;
	before = shared->page.beat;
	snprintf(buf, len, "script %s: on_call", (const char *)arg);
}

static struct limit limit_of(lua_State *L, char *name, const volatile int32_t *at)
{
	return (struct limit){ L, at, say_stop, say_name, name };
}

static lua_State *new_state(bool jit)
{
	lua_State *L = luaL_newstate();

	luaL_openlibs(L);
	if (!jit && luaL_dostring(L, "jit.off()"))
		abort();
	limit_watch(L);
	return L;
}

/* Runs text in the last of cnt states; the others run some compiled code before. */
static void child(const char *text, bool jit, int cnt)
{
	lua_State *L = NULL;
	struct limit l;

	watch_use(&shared->page);
	limit_arm(LIMIT_MS * 1000000ll);
	for (int i = 0; i < cnt; i++) {
		L = new_state(jit);
		l = limit_of(L, (char *)"x", NULL);
		limit_begin(&l);
		if (luaL_dostring(L, "local n = 0 for i = 1, 1e6 do n = n + i end"))
			abort();
		limit_end();
	}
	limit_begin(&l);
	if (luaL_loadbuffer(L, text, strlen(text), "@x.lua") || lua_pcall(L, 0, 0, 0))
		dprintf(pipe_fd, "error: %s", lua_tostring(L, -1));
	limit_end();
	_exit(0);
}

/* What the child said; *cpu_ms is what it used. */
static char *run(const char *text, bool jit, int states, int *status, long *cpu_ms)
{
	static char said[512];
	struct rusage u;
	int fd[2];
	ssize_t n;
	pid_t pid;

	if (pipe(fd))
		abort();
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		pipe_fd = fd[1];
		child(text, jit, states);
	}
	close(fd[1]);
	n = read(fd[0], said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = 0;
	close(fd[0]);
	assert_int_equal(wait4(pid, status, 0, &u), pid);
	*cpu_ms = u.ru_utime.tv_sec * 1000 + u.ru_utime.tv_usec / 1000 +
		  u.ru_stime.tv_sec * 1000 + u.ru_stime.tv_usec / 1000;
	return said;
}

static void expect_stop(const char *text, bool jit, int states, const char *want)
{
	int status;
	long cpu_ms;
	const char *said = run(text, jit, states, &status, &cpu_ms);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_LIMIT || !strstr(said, want) ||
	    cpu_ms > LIMIT_MS + 200) {
		fprintf(stderr, "%s\n%d states, jit %d: status %#x after %ld ms, said \"%s\"\n", text,
			states, jit, status, cpu_ms, said);
		fail();
	}
}

static const struct {
	const char *text, *where;
} loops[] = {
	{ "\nwhile true do end", "at x.lua:2" },
	{ "\nrepeat until false", "at x.lua:2" },
	{ "local n = 0\nfor i = 1, math.huge do\nn = n + i\nend", "at x.lua:" },
	{ "\n::a:: goto a", "at x.lua:2" },
	{ "local function f() return f() end\nf()", "at x.lua:1" },
	{ "local t = { 1 }\nwhile true do\nfor _ in pairs(t) do end\nend", "at x.lua:" },
	{ "local c = coroutine.wrap(function() while true do coroutine.yield() end end)\n"
	  "while true do c() end", "at x.lua:" },
	{ "while true do local s = ('x'):rep(10) .. {} .. '' end", "error" },
	{ "\nlocal t = setmetatable({}, { __index = function(t, k) return k end })\n"
	  "while true do local v = t[1] end", "at x.lua:" },
	{ "\nstring.gsub(('x'):rep(1e6), '.', function() while true do end end)", "at x.lua:2" },
	{ "\npcall(function() while true do end end)", "at x.lua:2" },
	{ "coroutine.wrap(function()\nwhile true do end end)()", "at x.lua:2" },
	/* No line comes from these: C functions that run for ever. */
	{ "\nlocal s = ('a'):rep(3000)\ns:find('.-.-.-.-b')", "near x.lua:" },
	{ "\nlocal s = ('a'):rep(3e6)\ns:gsub('a-b', '')", "near x.lua:" },
	/* This one is mostly in the unwinder, where a busy machine may leave it no time for a line. */
	{ "while true do pcall(error) end", "ran longer than 150 ms" },
};

static void every_loop_is_stopped_with_its_line(void **state)
{
	for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
		int status;
		long ms;

		if (strcmp(loops[i].where, "error") == 0) {
			assert_non_null(strstr(run(loops[i].text, true, 1, &status, &ms), "error"));
			continue;
		}
		expect_stop(loops[i].text, true, 1, loops[i].where);
		expect_stop(loops[i].text, false, 1, loops[i].where);
	}
}

static void line_is_named_in_the_second_state_too(void **state)
{
	for (size_t i = 0; i < 4; i++)
		expect_stop(loops[i].text, true, 3, loops[i].where);
}

static void message_names_the_limit(void **state)
{
	expect_stop("while true do end", true, 1, "x: ran longer than 150 ms at x.lua:1");
}

static void below_the_limit_nothing_happens(void **state)
{
	int status;
	long ms;

	/* A second in all, but no callback above the limit. */
	for (int i = 0; i < 3; i++) {
		const char *said = run("local t = os.clock() while os.clock() - t < 0.09 do end", true,
				       1, &status, &ms);

		assert_string_equal(said, "");
		assert_int_equal(status, 0);
	}
}

/* The next record, or the next call, starts the time again. */
static void each_record_has_its_own_time(void **state)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		volatile int32_t at = 0;
		struct limit l;
		lua_State *L;

		limit_arm(LIMIT_MS * 1000000ll);
		L = new_state(true);
		l = limit_of(L, (char *)"x", &at);
		pipe_fd = 2;
		limit_begin(&l);
		for (int i = 0; i < 6; i++, at++)
			if (luaL_dostring(L, "local t = os.clock() while os.clock() - t < 0.09 do end"))
				abort();
		limit_end();
		for (int i = 0; i < 3; i++) {
			limit_begin(&l);
			if (luaL_dostring(L, "local t = os.clock() while os.clock() - t < 0.09 do end"))
				abort();
			limit_end();
		}
		limit_unwatch(L);
		lua_close(L);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void beat_moves_while_all_is_well_and_stops_when_not(void **state)
{
	int status;
	long ms;

	memset(shared, 0, sizeof(*shared));
	run("local t = os.clock() while os.clock() - t < 0.13 do end", true, 1, &status, &ms);
	assert_true(shared->ticks >= 2);
	assert_int_equal(shared->still, 0);
	assert_int_equal(shared->page.stage, WATCH_START);
	run("local s = ('a'):rep(3000) s:find('.-.-.-.-b')", true, 1, &status, &ms);
	assert_true(shared->still >= 1);
	assert_string_equal(shared->page.what, "script x: on_call");
	assert_int_equal(shared->page.stage, WATCH_SCRIPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_loop_is_stopped_with_its_line),
		cmocka_unit_test(line_is_named_in_the_second_state_too),
		cmocka_unit_test(message_names_the_limit),
		cmocka_unit_test(below_the_limit_nothing_happens),
		cmocka_unit_test(each_record_has_its_own_time),
		cmocka_unit_test(beat_moves_while_all_is_well_and_stops_when_not),
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
