/* SPDX-License-Identifier: BSD-2-Clause */
#include "watchdog.h"

#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

enum { LIMIT_MS = 100 };

static struct watch_page *page;
static struct watchdog w;

/* A child at a stage, that computes; beats say whether it claims to get on. */
static pid_t start(uint32_t stage, bool computes, bool beats)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	watch_use(page);
	watch_enter((enum watch_stage)stage);
	for (;;) {
		if (!computes)
			usleep(1000);
		if (beats)
			watch_step();
	}
}

static int64_t cpu_ns(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(w.clock, &t), 0);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* One look, at a time that lies between two readings of the child's clock. */
static bool look(int64_t max_ns)
{
	int64_t before = cpu_ns(), after;
	bool expired = watchdog_expired(&w);

	after = cpu_ns();
	if (before - w.beat_ns > max_ns)
		assert_true(expired);
	if (after - w.beat_ns <= max_ns)
		assert_false(expired);
	return expired;
}

/* Watches as the monitor does, for ms at most, until it expires after max_ms, no sooner and no
 * later. A stage has twice the time of a script here. */
static bool expires(pid_t pid, int64_t timeout_ms, int64_t max_ms, int ms)
{
	bool expired = false;

	assert_int_equal(watchdog_init(&w, pid, page, timeout_ms * 1000000), 0);
	w.stage_max_ns = 2 * LIMIT_MS * 1000000;
	for (int i = 0; i < ms && !expired; i += WATCHDOG_MS) {
		usleep(WATCHDOG_MS * 1000);
		expired = look(max_ms * 1000000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return expired;
}

enum { NEVER = 1 << 30, PATIENCE = 20000 };

_Static_assert(WATCHDOG_GRACE_MS + WATCHDOG_MS < 200, "a hang ends within limit + 200 ms");

static void hang_of_a_script_ends_after_the_limit_and_the_grace(void **state)
{
	const int64_t max = LIMIT_MS + WATCHDOG_GRACE_MS;

	assert_true(expires(start(WATCH_SCRIPT, true, false), LIMIT_MS, max, PATIENCE));
	assert_null(watchdog_stage(&w));
}

static void hang_outside_of_scripts_is_named_by_its_stage(void **state)
{
	static const char *const names[] = {
		[WATCH_START] = "starting",
		[WATCH_READ] = "reading the capture",
		[WATCH_DECODE] = "decoding",
		[WATCH_PRINT] = "printing",
		[WATCH_END] = "ending",
		[WATCH_STAGES] = "nothing known", /* a lie of the worker */
	};

	for (uint32_t stage = 0; stage <= WATCH_STAGES; stage++) {
		if (stage == WATCH_SCRIPT)
			continue;
		assert_true(expires(start(stage, true, false), 0, 2 * LIMIT_MS, PATIENCE));
		assert_string_equal(watchdog_stage(&w), names[stage]);
	}
}

/* A script that begins after much other work has all of its time. */
static void each_step_starts_the_time_again(void **state)
{
	watch_use(page);
	watch_enter(WATCH_DECODE);
	assert_int_equal(watchdog_init(&w, getpid(), page, 1), 0);
	w.stage_max_ns = w.script_max_ns = 1;
	assert_false(watchdog_expired(&w)); /* sees the beat */
	assert_true(watchdog_expired(&w));
	watch_enter(WATCH_SCRIPT);
	assert_false(watchdog_expired(&w));
	assert_true(watchdog_expired(&w));
	watch_step();
	assert_false(watchdog_expired(&w));
}

static void who_beats_is_left_alone(void **state)
{
	assert_false(expires(start(WATCH_SCRIPT, true, true), LIMIT_MS, NEVER, 900));
	assert_false(expires(start(WATCH_DECODE, true, true), LIMIT_MS, NEVER, 900));
}

static void who_sleeps_is_left_alone(void **state)
{
	assert_false(expires(start(WATCH_SCRIPT, false, false), LIMIT_MS, NEVER, 900));
	assert_false(expires(start(WATCH_DECODE, false, false), LIMIT_MS, NEVER, 900));
}

static void no_limit_no_end(void **state)
{
	assert_false(expires(start(WATCH_SCRIPT, true, false), 0, NEVER, 600));
}

static void page_cannot_be_cut_under_the_monitor(void **state)
{
	struct watch_page *p;
	int fd = watch_page_new(&p);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_non_null(watch_page_map(fd));
	close(fd);
	assert_null(watch_page_map(0));
}

static void name_from_the_worker_is_safe_to_print(void **state)
{
	w.page = page;
	memset(page->what, 'x', sizeof(page->what));
	assert_int_equal(strlen(watchdog_culprit(&w)), WATCH_NAME_LEN - 1);
	strcpy(page->what, "script \x1b[2J\n\xc2\x9b: on_call");
	assert_string_equal(watchdog_culprit(&w), "script ?[2J???: on_call");
	page->what[0] = 0;
	assert_string_equal(watchdog_culprit(&w), "the worker");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hang_of_a_script_ends_after_the_limit_and_the_grace),
		cmocka_unit_test(hang_outside_of_scripts_is_named_by_its_stage),
		cmocka_unit_test(each_step_starts_the_time_again),
		cmocka_unit_test(who_beats_is_left_alone),
		cmocka_unit_test(who_sleeps_is_left_alone),
		cmocka_unit_test(no_limit_no_end),
		cmocka_unit_test(page_cannot_be_cut_under_the_monitor),
		cmocka_unit_test(name_from_the_worker_is_safe_to_print),
	};

	if (watch_page_new(&page) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
