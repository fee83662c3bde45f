/* SPDX-License-Identifier: BSD-2-Clause */
/* The protocol of worker and monitor: what is not exactly right is refused. */
#include "message.h"

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "bpf/event.h"
#include "process.h"

static const char *why;

static struct message slots(uint32_t cnt, uint32_t slot)
{
	struct message m = { .kind = MESSAGE_FREE_SLOTS, .cnt = cnt };

	for (uint32_t i = 0; i < cnt && i < MESSAGE_SLOTS_MAX; i++)
		m.slot[i] = slot;
	return m;
}

static struct message ask(int32_t pid)
{
	return (struct message){ .kind = MESSAGE_ASK_PROCESS, .process = { .pid = pid } };
}

static int check(struct message m)
{
	return message_check_request(&m, sizeof(m), &why);
}

static void right_requests_pass(void **state)
{
	assert_int_equal(check(slots(1, 0)), 0);
	assert_int_equal(check(slots(MESSAGE_SLOTS_MAX, SPF_SLOTS - 1)), 0);
	assert_int_equal(check(ask(1)), 0);
	assert_int_equal(check(ask(INT32_MAX)), 0);
}

static void numbers_out_of_range_are_refused(void **state)
{
	assert_int_equal(check(slots(0, 0)), -EPROTO);
	assert_int_equal(check(slots(1, SPF_SLOTS)), -EPROTO);
	assert_int_equal(check(slots(MESSAGE_SLOTS_MAX, UINT32_MAX)), -EPROTO);
	assert_int_equal(check(slots(MESSAGE_SLOTS_MAX + 1, 0)), -EPROTO);
	assert_int_equal(check(slots(UINT32_MAX, 0)), -EPROTO);
	assert_int_equal(check(ask(0)), -EPROTO);
	assert_int_equal(check(ask(-1)), -EPROTO);
}

static void other_kinds_and_sizes_are_refused(void **state)
{
	struct message m = ask(1);

	for (size_t len = 0; len < sizeof(m); len++)
		assert_int_equal(message_check_request(&m, len, &why), -EPROTO);
	assert_int_equal(message_check_request(&m, sizeof(m) + 1, &why), -EPROTO);
	m.kind = 0;
	assert_int_equal(check(m), -EPROTO);
	m.kind = MESSAGE_PROCESS; /* an answer is no request */
	assert_int_equal(check(m), -EPROTO);
	m.kind = UINT32_MAX;
	assert_int_equal(check(m), -EPROTO);
}

/* Every byte that a kind does not use is looked at. */
static void unused_bytes_must_be_zero(void **state)
{
	for (size_t i = 0; i < sizeof(((struct message *)0)->all); i++) {
		struct message m = ask(1);

		m.all[i] ^= 1;
		assert_int_equal(check(m), i >= 4 || m.process.pid <= 0 ? -EPROTO : 0);
		m = slots(2, 0);
		m.all[i] ^= 1;
		assert_int_equal(check(m), i >= 8 || m.slot[i / 4] >= SPF_SLOTS ? -EPROTO : 0);
	}
	{
		struct message m = ask(1);

		m.cnt = 1;
		assert_int_equal(check(m), -EPROTO);
	}
}

static void answers_are_checked_too(void **state)
{
	struct message m = { .kind = MESSAGE_PROCESS };

	process_describe(getpid(), &m.process);
	assert_int_equal(message_check_answer(&m, sizeof(m), &why), 0);
	memset(m.process.exe, 'x', sizeof(m.process.exe));
	assert_int_equal(message_check_answer(&m, sizeof(m), &why), -EPROTO);
	m.process.exe[0] = 0;
	m.process.exe[sizeof(m.process.exe) - 1] = 0;
	memset(m.process.comm, 'x', sizeof(m.process.comm));
	assert_int_equal(message_check_answer(&m, sizeof(m), &why), -EPROTO);
	m.process.comm[0] = 0;
	m.process.comm[15] = 0;
	m.kind = MESSAGE_ASK_PROCESS;
	assert_int_equal(message_check_answer(&m, sizeof(m), &why), -EPROTO);
}

static void packets_arrive_whole_and_one_by_one(void **state)
{
	struct message m = ask(7), got;
	char raw[sizeof(m) + 100] = { 0 };
	int fd[2], sent = 0;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	assert_int_equal(message_recv(fd[1], &got), -EAGAIN);
	assert_int_equal(message_send(fd[0], &m), 0);
	m = slots(3, 5);
	assert_int_equal(message_send(fd[0], &m), 0);
	assert_int_equal(message_recv(fd[1], &got), sizeof(got));
	assert_int_equal(got.kind, MESSAGE_ASK_PROCESS);
	assert_int_equal(message_recv(fd[1], &got), sizeof(got));
	assert_memory_equal(&got, &m, sizeof(m));
	/* Too short, too long: the length says so. */
	memcpy(raw, &m, sizeof(m));
	assert_int_equal(write(fd[0], raw, 5), 5);
	assert_int_equal(message_check_request(&got, (size_t)message_recv(fd[1], &got), &why), -EPROTO);
	assert_int_equal(write(fd[0], raw, sizeof(raw)), sizeof(raw));
	assert_int_equal(message_check_request(&got, (size_t)message_recv(fd[1], &got), &why), -EPROTO);
	/* Nobody reads: the sender does not wait for it. */
	while (sent < 100000 && message_send(fd[0], &m) == 0)
		sent++;
	assert_in_range(sent, 1, 99999);
	close(fd[0]);
	while (message_recv(fd[1], &got) > 0)
		;
	assert_int_equal(message_recv(fd[1], &got), 0);
	close(fd[1]);
}

static void processes_are_described(void **state)
{
	struct message_process p;
	char comm[16] = { 0 };
	struct timespec now;
	int fd = open("/proc/self/comm", O_RDONLY);

	assert_true(read(fd, comm, sizeof(comm)) > 0);
	close(fd);
	comm[strcspn(comm, "\n")] = 0;
	process_describe(getpid(), &p);
	assert_int_equal(p.pid, getpid());
	assert_int_equal(p.uid, geteuid());
	assert_string_equal(p.comm, comm);
	assert_non_null(strstr(p.exe, "/message_test"));
	clock_gettime(CLOCK_MONOTONIC, &now);
	assert_in_range(now.tv_sec - p.start_ns / 1000000000, 0, 60); /* this very test */
	process_describe(INT32_MAX, &p);
	assert_int_equal(p.uid, -1);
	assert_string_equal(p.comm, "");
	assert_string_equal(p.exe, "");
	assert_int_equal(p.cgroup, 0);
}

static void questions_are_bounded_a_second(void **state)
{
	struct process_asks a = { 0 };

	for (int i = 0; i < MESSAGE_ASKS_MAX; i++)
		assert_true(process_may_ask(&a, 5000000000 + i));
	assert_false(process_may_ask(&a, 5999999999));
	assert_true(process_may_ask(&a, 6000000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_requests_pass),
		cmocka_unit_test(numbers_out_of_range_are_refused),
		cmocka_unit_test(other_kinds_and_sizes_are_refused),
		cmocka_unit_test(unused_bytes_must_be_zero),
		cmocka_unit_test(answers_are_checked_too),
		cmocka_unit_test(packets_arrive_whole_and_one_by_one),
		cmocka_unit_test(processes_are_described),
		cmocka_unit_test(questions_are_bounded_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
