/* SPDX-License-Identifier: BSD-2-Clause */
#include "rights.h"

#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool has(int cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return false;
	return data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

const char *rights_missing(void)
{
	bool admin = has(CAP_SYS_ADMIN); /* which was all three of them up to Linux 5.7 */
	bool bpf = admin || has(CAP_BPF), perfmon = admin || has(CAP_PERFMON);

	if (bpf && perfmon)
		return NULL;
	if (bpf)
		return "CAP_PERFMON";
	return perfmon ? "CAP_BPF" : "CAP_BPF and CAP_PERFMON";
}

bool rights_show_addresses(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[256];
	bool found = false;

	/* The first few may be 0 in truth. */
	for (int i = 0; f && !found && i < 1000 && fgets(line, sizeof(line), f); i++)
		found = strtoull(line, NULL, 16);
	if (f)
		fclose(f);
	return found;
}
