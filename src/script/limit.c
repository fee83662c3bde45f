/* SPDX-License-Identifier: BSD-2-Clause */
#include "script/limit.h"

#include <errno.h>
#include <lua.h>
#include <luajit.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "util/log.h"
#include "util/watch.h"

enum {
	TICK_MS = 10,
	/* How long after the limit a script may take to come to a line. */
	GRACE_NS = 50 * 1000 * 1000,
	/* A frame of the Lua library holds at most a luaL_Buffer and some. */
	STACK_REACH = 64 * 1024,
};

/* Read by the signal handler. current is written last and cleared first. */
static struct {
	int64_t timeout_ns;
	struct sigaction luajit;      /* the profiler's handler, which sets the flag */
	struct lua_State *profiled;   /* LuaJIT has one profiler: the first state's */
	const struct limit *volatile current;
	enum watch_stage stage; /* that called the script */
	volatile uint32_t calls;
	/* of the handler alone */
	uint32_t seen_calls;
	int32_t seen_at;
	int64_t since_ns;
} self;

static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* "2 s", "1.5 s", "20 ms" without floats, which a handler had better not print. */
static void print_duration(char *buf, size_t len, int64_t ns)
{
	long long ms = ns / 1000000;

	if (ms < 1000)
		snprintf(buf, len, "%lld ms", ms);
	else if (ms % 1000 == 0)
		snprintf(buf, len, "%lld s", ms / 1000);
	else
		snprintf(buf, len, "%lld.%lld s", ms / 1000, ms % 1000 / 100);
}

/* Where the innermost function of the script itself is: "x.lua:3", or "" if it is unknown. */
static void find_line(lua_State *L, char *buf, size_t len)
{
	lua_Debug d;

	buf[0] = 0;
	for (int level = 0; level < 64 && lua_getstack(L, level, &d); level++) {
		if (!lua_getinfo(L, "Sl", &d) || d.currentline <= 0)
			continue;
		if (strncmp(d.short_src, "[spf]", 5) == 0 || strncmp(d.short_src, "lua/", 4) == 0)
			continue; /* spf's own code, which the script called */
		snprintf(buf, len, "%s:%d", d.short_src, d.currentline);
		return;
	}
}

/* Not _exit(): before a call that does not return AddressSanitizer looks through the stack, and
 * from a handler's it would ask the system for the other one, which the sandbox refuses. */
void limit_exit(void)
{
	syscall(SYS_exit_group, EXIT_LIMIT);
}

/* how: " at", or " near" where the line may be that of the last call. */
static void stop(const struct limit *l, const char *how, const char *where)
{
	char what[160], limit[32];

	print_duration(limit, sizeof(limit), self.timeout_ns);
	snprintf(what, sizeof(what), "ran longer than %s%s%s", limit, *where ? how : "", where);
	l->stop(l->arg, what);
	limit_exit();
}

/* A line of the script, with the state in order: LuaJIT calls this after the flag was set. */
static void on_line(void *data, lua_State *L, int samples, int vmstate)
{
	const struct limit *l = self.current;
	char where[LUA_IDSIZE + 16];

	if (!l || cpu_ns() - self.since_ns <= self.timeout_ns)
		return;
	find_line(L, where, sizeof(where));
	stop(l, " at ", where);
}

static sigjmp_buf out_of_search;

static void on_bad_read(int sig)
{
	siglongjmp(out_of_search, 1);
}

/* No line came: the script is inside of a long C function, or of the compiled code of a state
 * that is not profiled. What the state says about itself may be half written here, and a
 * wrong read of it must not hide the message. */
static void stop_anywhere(const struct limit *l)
{
	struct sigaction bad = { .sa_handler = on_bad_read, .sa_flags = SA_NODEFER };
	static char where[LUA_IDSIZE + 16];

	sigaction(SIGSEGV, &bad, NULL);
	sigaction(SIGBUS, &bad, NULL);
	if (sigsetjmp(out_of_search, 0) == 0)
		find_line(l->L, where, sizeof(where));
	else
		where[0] = 0;
	if (sigsetjmp(out_of_search, 0) == 0)
		stop(l, " near ", where);
	limit_exit();
}

/* Of the code that a signal interrupted. */
static uintptr_t stack_pointer(const void *context)
{
	const ucontext_t *c = context;

#ifdef __x86_64__
	return (uintptr_t)c->uc_mcontext.gregs[REG_RSP];
#else
	return (uintptr_t)c->uc_mcontext.sp;
#endif
}

static bool is_same_call(const struct limit *l)
{
	int32_t at = l->at ? *l->at : 0;
	bool same = self.seen_calls == self.calls && self.seen_at == at;

	self.seen_calls = self.calls;
	self.seen_at = at;
	return same;
}

/* Coroutines inside of gsub callbacks, and whatever else nests C calls without a bound of
 * LuaJIT's own, end on the guard page below the stack. Any other bad access stays what it is. */
static void on_fault(int sig, siginfo_t *info, void *context)
{
	const struct limit *l = self.current;
	uintptr_t at = (uintptr_t)info->si_addr, sp = stack_pointer(context);

	if (l && at - (sp - STACK_REACH) < 2 * STACK_REACH) {
		l->stop(l->arg, "nested its calls too deeply");
		limit_exit();
	}
	signal(SIGSEGV, SIG_DFL); /* the access is tried again, and ends the worker */
}

/* Makes LuaJIT call on_line() at the script's next line. LuaJIT has one profiler for all
 * states, and moving it costs its former state all compiled code: so it moves only now, when
 * the program will hardly go on. The former state is idle, scripts do not nest. */
static void ask_for_line(const struct limit *l, int sig)
{
	struct sigaction ours;

	if (self.profiled != l->L) {
		sigaction(SIGPROF, NULL, &ours);
		if (self.profiled)
			luaJIT_profile_stop(self.profiled);
		luaJIT_profile_start(l->L, "i10", on_line, NULL);
		sigaction(SIGPROF, &ours, NULL);
		self.profiled = l->L;
	}
	self.luajit.sa_handler(sig);
}

static void on_tick(int sig, siginfo_t *info, void *context)
{
	const struct limit *l = self.current;
	int64_t now = cpu_ns(), ran;
	int saved = errno;

	if (!l || !is_same_call(l)) {
		self.since_ns = now;
		if (l)
			watch_step();
		errno = saved;
		return;
	}
	ran = now - self.since_ns;
	if (ran > self.timeout_ns / 2)
		l->name(l->arg, watch_page->what, sizeof(watch_page->what));
	if (ran > self.timeout_ns + GRACE_NS)
		stop_anywhere(l);
	if (ran <= self.timeout_ns)
		watch_step();
	else if (self.profiled)
		ask_for_line(l, sig);
	errno = saved;
}

static int start_timer(void)
{
	struct itimerval each = { { 0, TICK_MS * 1000 }, { 0, TICK_MS * 1000 } };

	return setitimer(ITIMER_PROF, &each, NULL);
}

/* Handlers have a stack of their own: scripts may have used up the other. */
static void guard_stack(void)
{
	static char own_stack[128 * 1024];
	stack_t st = { .ss_sp = own_stack, .ss_size = sizeof(own_stack) };
	struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	if (sigaltstack(&st, NULL) || sigaction(SIGSEGV, &fault, NULL))
		die(EXIT_RUN, "cannot guard the stack: %s", strerror(errno));
}

void limit_arm(int64_t timeout_ns)
{
	struct sigaction tick = { .sa_sigaction = on_tick,
				  .sa_flags = SA_RESTART | SA_SIGINFO | SA_ONSTACK };

	guard_stack();
	if (timeout_ns <= 0)
		return;
	self.timeout_ns = timeout_ns;
	if (sigaction(SIGPROF, &tick, NULL) || start_timer())
		die(EXIT_RUN, "cannot set the timer of scripts: %s", strerror(errno));
}

void limit_watch(lua_State *L)
{
	struct sigaction ours;

	if (!self.timeout_ns)
		return;
	/* For any state but the first this only makes the compiler add the flag tests. */
	sigaction(SIGPROF, NULL, &ours);
	luaJIT_profile_start(L, "li10", on_line, NULL);
	if (!self.profiled) {
		self.profiled = L;
		sigaction(SIGPROF, NULL, &self.luajit);
	}
	sigaction(SIGPROF, &ours, NULL);
}

void limit_unwatch(lua_State *L)
{
	struct sigaction ours;

	sigaction(SIGPROF, NULL, &ours);
	if (self.profiled == L) {
		luaJIT_profile_stop(L);
		self.profiled = NULL;
		start_timer();
	}
	sigaction(SIGPROF, &ours, NULL);
}

void limit_begin(const struct limit *l)
{
	self.stage = atomic_load_explicit(&watch_page->stage, memory_order_relaxed);
	self.calls++;
	self.current = l;
	watch_enter(WATCH_SCRIPT);
}

void limit_end(void)
{
	self.current = NULL;
	watch_enter(self.stage);
}
