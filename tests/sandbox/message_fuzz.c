/* SPDX-License-Identifier: BSD-2-Clause */
/* What message_check_request() lets pass is right in all that the monitor uses of it: written
 * here a second time, by the words of message.h. */
#include <stdlib.h>
#include <string.h>

#include "bpf/event.h"
#include "message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(int cond)
{
	if (!cond)
		abort();
}

static void check_request(const struct message *m, size_t len)
{
	static const uint8_t zero[sizeof(m->all)];
	size_t used;

	must(len == sizeof(*m));
	if (m->kind == MESSAGE_FREE_SLOTS) {
		must(m->cnt >= 1 && m->cnt <= MESSAGE_SLOTS_MAX);
		for (uint32_t i = 0; i < m->cnt; i++)
			must(m->slot[i] < SPF_SLOTS);
		used = m->cnt * 4;
	} else {
		must(m->kind == MESSAGE_ASK_PROCESS && m->cnt == 0 && m->process.pid > 0);
		used = 4;
	}
	must(memcmp(m->all + used, zero, sizeof(m->all) - used) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct message m = { 0 };
	const char *why = NULL;
	size_t said;

	/* The first byte says how far the length is from the right one, mostly not at all. */
	if (!len)
		return 0;
	said = data[0] < 16 ? sizeof(m) - 8 + data[0] : sizeof(m);
	memcpy(&m, data + 1, len - 1 < sizeof(m) ? len - 1 : sizeof(m));
	len = said;
	if (message_check_request(&m, len, &why) == 0)
		check_request(&m, len);
	else
		must(why != NULL);
	why = NULL;
	if (message_check_answer(&m, len, &why) == 0) {
		must(strnlen(m.process.exe, sizeof(m.process.exe)) < sizeof(m.process.exe));
		must(strnlen(m.process.comm, sizeof(m.process.comm)) < sizeof(m.process.comm));
	} else {
		must(why != NULL);
	}
	return 0;
}
